using System;
using System.IO;
using Microsoft.Win32.SafeHandles;

namespace Echo;

/// <summary>
/// A few file descriptors that are released when no others are left. The runtime needs some to continue: it starts a thread to
/// handle a signal, and a new thread needs file descriptors.
/// </summary>
internal sealed class DescriptorReserve : IDisposable
{
    private readonly SafeFileHandle?[] _handles = new SafeFileHandle?[8];

    /// <summary>Fills the reserve; returns false if too few file descriptors are left.</summary>
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
