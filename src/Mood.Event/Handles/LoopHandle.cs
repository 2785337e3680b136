using System;
using System.Runtime.InteropServices;
using Mood.Event.Interop;

namespace Mood.Event.Handles;

/// <summary>
/// Owns a mood_loop. Freed by Loop.Dispose, or by the finalizer when loop and watchers were abandoned together: closing
/// an ev_loop touches no watcher, so the order in which their memory goes does not matter.
/// </summary>
internal sealed unsafe class LoopHandle : SafeHandle
{
    private GCHandle _loop;

    internal LoopHandle(uint flags, bool isDefault, Loop loop)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        _loop = GCHandle.Alloc(loop, GCHandleType.Weak);
        nint native;
        int error = Native.mood_loop_new(flags, isDefault ? 1 : 0, GCHandle.ToIntPtr(_loop), &native);

        if (error < 0)
        {
            _loop.Free();
            GC.SuppressFinalize(this);
            throw Error.Event_NoLoop(-error, isDefault);
        }

        SetHandle(native);
    }

    /// <summary>The signals whose registrations this loop's watchers hold: one bit each, from 1.</summary>
    internal ulong Signals { get; set; }

    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The mood_loop, for the loop's own thread: it lives until Dispose.</summary>
    internal nint Pointer => handle;

    /// <summary>Wakes the loop, from any thread; does nothing once it is disposed.</summary>
    internal void Wake()
    {
        bool held = false;

        try
        {
            DangerousAddRef(ref held);
            Native.mood_loop_wake(handle);
        }
        catch (ObjectDisposedException)
        {
            // it has ended, which is more than being awake
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    protected override bool ReleaseHandle()
    {
        SignalRegistrations.ReleaseAll(Signals); // first: once closed, another loop may own them
        Native.mood_loop_close(handle);
        Native.mood_loop_release(handle);
        _loop.Free();
        return true;
    }
}
