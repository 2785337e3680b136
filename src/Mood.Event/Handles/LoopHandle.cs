using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>
/// Owns a mood_loop. Loop.Dispose releases it. If the program abandons a loop without Dispose, the loop and its watchers are
/// collected together, and the finalizer releases the mood_loop. Closing an ev_loop touches no watcher, so the memory of loop and
/// watchers may be freed in any order.
/// </summary>
internal sealed unsafe class LoopHandle : SafeHandle
{
    private readonly int[] _signals = new int[65];
    private GCHandle _loop;
    private bool _closed;

    internal LoopHandle(uint flags, bool isDefault, object loop)
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
            throw -error switch
            {
                Native.EBUSY when isDefault => Error.Event_NoDefaultLoop(Native.EBUSY),
                Native.NoBackend => Error.Event_NoBackend(
                    (Backends)flags & Backends.All,
                    (Backends)Native.mood_supported_backends(),
                    (Backends)Native.mood_recommended_backends()),
                _ => Error.Event_Native(-error, "No loop can be created"),
            };
        }

        SetHandle(native);
    }

    /// <summary>For each signal, the number of this loop's watchers that hold its registration. Only SignalRegistrations uses it.</summary>
    internal Span<int> Signals => _signals;

    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The mood_loop, valid until Dispose. Only the loop's thread uses it.</summary>
    internal nint Pointer => handle;

    /// <summary>Wakes the loop. Any thread. False: the loop is disposed, and nothing happens.</summary>
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
            return false;
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
    /// Closes the native loop at once. The memory of the mood_loop is freed when the last thread has left Wake, which may be later
    /// and on that thread.
    /// </summary>
    internal void CloseLoop()
    {
        if (!_closed)
        {
            _closed = true;
            SignalRegistrations.ReleaseAll(this); // before the close, because afterwards another loop may own the signals
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
