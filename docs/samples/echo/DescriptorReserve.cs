using System;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Echo;

/// <summary>
/// A few file descriptors to give back when there are no others. The runtime needs some to go on: without any it cannot
/// start a thread, and it starts one to handle a signal.
/// </summary>
internal sealed class Reserve : IDisposable
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[8];

    /// <summary>Takes what is missing; false: there are still too few.</summary>
    public bool TryFill()
    {
        try
        {
            for (int i = 0; i < _handles.Length; i++)
            {
                _handles[i] ??= File.OpenHandle("/dev/null");
            }

            return true;
        }
        catch (IOException)
        {
            Dispose();
            return false;
        }
    }

    /// <summary>Gives them back. They can be taken again.</summary>
    public void Dispose()
    {
        for (int i = 0; i < _handles.Length; i++)
        {
            _handles[i]?.Dispose();
            _handles[i] = null;
        }
    }
}
