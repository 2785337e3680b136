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
    private readonly int[] _signals = new int[65];
    private GCHandle _loop;
    private bool _closed;

    internal LoopHandle(uint flags, bool isDefault, Loop loop)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        _loop = GCHandle.Alloc(loop, GCHandleType.Weak);
        nint native;
        Native.Callbacks host = Trampoline.Callbacks;
        int error = Native.mood_loop_new(flags, isDefault ? 1 : 0, &host, GCHandle.ToIntPtr(_loop), &native);

        if (error < 0)
        {
            _loop.Free();
            GC.SuppressFinalize(this);
            throw Error.Event_NoLoop(-error, isDefault, (Backends)flags & Backends.All);
        }

        SetHandle(native);
    }

    /// <summary>How many of this loop's watchers hold each signal's registration; SignalRegistrations' own.</summary>
    internal Span<int> Signals => _signals;

    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The mood_loop, for the loop's own thread: it lives until Dispose.</summary>
    internal nint Pointer => handle;

    /// <summary>Wakes the loop, from any thread; false, and nothing happens, once it is disposed.</summary>
    internal bool Wake()
    {
        bool held = false;

        try
        {
            DangerousAddRef(ref held);
            Native.mood_loop_wake(handle);
            return true;
        }
        catch (ObjectDisposedException)
        {
            return false; // it has ended, which is more than being awake
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }

    /// <summary>
    /// Closes the native loop here and now. The memory around it goes when nobody is inside Wake any more, which may be
    /// later and on another thread.
    /// </summary>
    internal void CloseLoop()
    {
        if (!_closed)
        {
            _closed = true;
            SignalRegistrations.ReleaseAll(this); // first: once closed, another loop may own them
            Native.mood_loop_close(handle);
        }
    }

    protected override bool ReleaseHandle()
    {
        CloseLoop();
        Native.mood_loop_release(handle);
        _loop.Free();
        return true;
    }
}
