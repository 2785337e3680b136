using System;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>File descriptors that a server releases when the process has no others left. The runtime and the handlers need file
/// descriptors to continue: a new thread opens some, and so does the first use of the console.</summary>
/// <remarks>Loop's thread.</remarks>
internal sealed class DescriptorReserve : IDisposable
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[8];

    /// <summary>Fills the reserve.</summary>
    /// <returns>False: too few file descriptors are left, and the reserve is empty.</returns>
    internal bool TryFill()
    {
        if (Platform.IsWindows)
        {
            return true; // its limit is too high for a server to reach
        }

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

    /// <summary>Releases the reserve, which can be filled again.</summary>
    public void Dispose()
    {
        for (int i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }
}
