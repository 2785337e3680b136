using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>The reference that an active Io holds to a SafeHandle, so that the handle stays open. <see cref="FileDescriptor"/> decides
/// which handles are held. An Io uses one such object for all its starts.</summary>
/// <remarks>When an abandoned loop is garbage-collected, its active Ios are collected with it and not stopped. So this class is itself
/// a SafeHandle: its finalizer releases the reference. The finalizers of both handles may run in either order.</remarks>
internal sealed class IoHandleReference : SafeHandle
{
    // The other handle, or null. Written by the loop's thread, and by the finalizer once no thread can reach this object.
    private SafeHandle? _held;

    internal IoHandleReference()
        : base(IntPtr.Zero, ownsHandle: true)
    {
    }

    public override bool IsInvalid => false;

    /// <summary>Takes the reference. Does nothing if it is taken already.</summary>
    internal void Take(SafeHandle other)
    {
        if (_held is null)
        {
            bool isTaken = false;
            other.DangerousAddRef(ref isTaken);
            _held = other;
        }
    }

    internal void Release()
    {
        SafeHandle? held = _held;
        _held = null;
        held?.DangerousRelease();
    }

    protected override bool ReleaseHandle()
    {
        Release();
        return true;
    }
}
