using System.Threading;

namespace Mood.Event.Interop;

/// <summary>
/// What is pending in a loop, walked here and not by libev: one transition into managed code per iteration, and not one per
/// event (docs/design/dispatch.md). The order, and what a callback may do on the way, are ev_invoke_pending's to the letter:
/// native/mood_event.h has them at mood_pending.
/// </summary>
internal readonly unsafe struct PendingQueue
{
    // EV_ASYNC. Sent is clear for everybody before the callback looks for work: the other half of mood_async_send.
    private const int Sent = 0x80000;
    private const int Priorities = 5;

    private readonly nint _loop;
    private readonly Native.QueueMemory* _memory;

    internal PendingQueue(nint loop)
    {
        _loop = loop;
        _memory = Native.mood_loop_queue(loop);
    }

    /// <summary>Forgets that the loop was halted: for an Invoke outside Start, where no run begins that would.</summary>
    internal void Resume() => _memory->Halted = 0;

    /// <summary>Calls all that is pending, until the loop is halted. Throws nothing.</summary>
    internal void Invoke()
    {
        Native.QueueMemory* queue = _memory;
        *queue->Priority = Priorities;

        do
        {
            --*queue->Priority;

            // each time anew: a callback may feed a higher one, stop what is pending, or run the loop itself
            while (queue->Counts[*queue->Priority] != 0)
            {
                if (queue->Halted != 0)
                {
                    return;
                }

                int priority = *queue->Priority;
                Native.PendingMemory pending = queue->Slots[priority][--queue->Counts[priority]];
                Native.WatcherMemory* w = pending.Watcher;
                w->Pending = 0;

                if (w->Owner == 0)
                {
                    Native.mood_watcher_call(_loop, (nint)w, pending.Revents);
                    continue;
                }

                // libev has stopped it by itself
                if (w->Unrefed != 0 && w->Active == 0)
                {
                    Native.mood_watcher_settle((nint)w);
                }

                if ((pending.Revents & Sent) != 0)
                {
                    Interlocked.MemoryBarrier();
                }

                Trampoline.Target<Watcher>(w->Data)?.OnEvent(pending.Revents);
            }
        }
        while (*queue->Priority != 0);
    }
}
