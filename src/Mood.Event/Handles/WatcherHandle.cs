using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>
/// Owns a mood_watcher. The loop refers to its active watchers. So only an inactive watcher is freed, or one that is collected
/// together with its loop.
/// </summary>
internal sealed class WatcherHandle : SafeHandle
{
    internal WatcherHandle(LoopHandle loop, Native.Kind kind)
        : base(IntPtr.Zero, ownsHandle: true)
    {
        nint memory = Native.mood_watcher_new(loop.Pointer, (int)kind, id: 0);

        if (memory == 0)
        {
            throw Error.Event_Native(Native.ENOMEM, "No memory is left for a watcher");
        }

        SetHandle(memory);
    }

    public override bool IsInvalid => handle == IntPtr.Zero;

    /// <summary>The mood_watcher, valid until Dispose. Only the loop's thread uses it.</summary>
    internal nint Pointer => handle;

    /// <summary>Calls ev_async_send. Any thread. False: the watcher is disposed.</summary>
    internal bool Send() => Async(send: true) >= 0;

    /// <summary>Calls ev_async_pending. Any thread. False: not sent, or the watcher is disposed.</summary>
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
