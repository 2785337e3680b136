using System;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>File descriptors that an acceptor releases when the process has no others left. The runtime needs some to go on, for
/// example to load an assembly or to start a thread. Loop's thread.</summary>
internal sealed class Reserve : IDisposable
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[8];

    /// <returns>False: too few file descriptors are left, and the reserve is empty.</returns>
    internal bool TryFill()
    {
        try
        {
            for (int i = 0; i < _handles.Length; i++)
            {
                _handles[i] ??= File.OpenHandle("/dev/null");
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            Dispose();
            return false;
        }
    }

    public void Dispose()
    {
        for (int i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }
}
