using System;
using System.Runtime.InteropServices;
using Mood.Event.Interop;

namespace Mood.Event.Handles;

/// <summary>
/// Owns a mood_watcher. Only an inactive watcher's memory is freed while its loop lives: an active one is held by the loop.
/// </summary>
internal sealed class WatcherHandle : SafeHandle
{
    internal WatcherHandle(LoopHandle loop, Native.Kind kind)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        nint memory = Native.mood_watcher_new(loop.Pointer, (int)kind, id: 0);

        if (memory == 0)
        {
            throw Error.Event_Native(Native.ENOMEM, "no memory for a watcher");
        }

        SetHandle(memory);
    }

    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The mood_watcher, for the loop's own thread: it lives until Dispose.</summary>
    internal nint Pointer => handle;

    /// <summary>ev_async_send, from any thread; false once the watcher is disposed.</summary>
    internal bool Send() => Async(send: true) >= 0;

    /// <summary>ev_async_pending, from any thread; false once the watcher is disposed.</summary>
    internal bool Sent() => Async(send: false) > 0;

    protected override bool ReleaseHandle()
    {
        Native.mood_watcher_free(Pointer);
        return true;
    }

    private int Async(bool send)
    {
        bool held = false;

        try
        {
            DangerousAddRef(ref held);

            if (!send)
            {
                return Native.mood_async_sent(Pointer);
            }

            Native.mood_async_send(Pointer);
            return 0;
        }
        catch (ObjectDisposedException)
        {
            return -1;
        }
        finally
        {
            if (held)
            {
                DangerousRelease();
            }
        }
    }
}
