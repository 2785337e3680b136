using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>A reference to a SafeHandle for the scope of a using declaration. It keeps the handle open during a native call. Otherwise
/// another thread could close the handle, and the kernel could give its number to another file.</summary>
/// <remarks>An active Io holds an <see cref="IoHandleReference"/> instead, because it needs the reference beyond one scope.</remarks>
internal readonly ref struct ScopedHandleReference
{
    private readonly SafeHandle _handle;

    /// <summary>Takes a reference to the handle.</summary>
    /// <exception cref="System.ObjectDisposedException">The handle is closed.</exception>
    internal ScopedHandleReference(SafeHandle handle)
    {
        bool isTaken = false;
        handle.DangerousAddRef(ref isTaken);
        _handle = handle;
        Number = (int)handle.DangerousGetHandle();
    }

    internal int Number { get; }

    public void Dispose() => _handle.DangerousRelease();
}
