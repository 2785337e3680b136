using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Keeps a handle open during one native call. Otherwise another thread could close it, and the kernel could give its
/// number to another file. An active Io uses <see cref="HandleReference"/> instead. <see cref="FileDescriptor"/> decides for
/// which handles.</summary>
internal readonly ref struct HandleUse
{
    private readonly SafeHandle _handle;

    /// <summary>Takes a reference to the handle.</summary>
    /// <exception cref="System.ObjectDisposedException">The handle is closed.</exception>
    internal HandleUse(SafeHandle handle)
    {
        bool isTaken = false;
        handle.DangerousAddRef(ref isTaken);
        _handle = handle;
        Number = (int)handle.DangerousGetHandle();
    }

    internal int Number { get; }

    public void Dispose() => _handle.DangerousRelease();
}
