using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event.Interop;

/// <summary>
/// What is pending in a loop, walked here and not by libev: one transition into managed code per iteration, and not one per
/// event (docs/design/dispatch.md). The order, and what a callback may do on the way, are ev_invoke_pending's to the letter:
/// native/mood_event.h has them at mood_pending.
/// </summary>
internal readonly unsafe struct PendingQueue
{
    internal const int Priorities = 5;

    // EV_ASYNC, EV_ERROR
    internal const int Sent = 0x80000, Error = unchecked((int)0x80000000);

    private readonly nint _loop;
    private readonly WatcherTable _watchers;
    private readonly Native.QueueMemory* _memory;

    internal PendingQueue(nint loop, WatcherTable watchers)
    {
        _loop = loop;
        _watchers = watchers;
        _memory = Native.mood_loop_queue(loop);
    }

    /// <summary>Whether native code asks for Invoke also when nothing is pending.</summary>
    internal bool Always
    {
        set => _memory->Always = value ? 1 : 0;
    }

    /// <summary>Forgets that the loop was halted: for an Invoke outside Start, where no run begins that would.</summary>
    internal void Resume() => _memory->Halted = 0;

    /// <summary>Calls all that is pending, until the loop is halted. Throws nothing.</summary>
    internal void Invoke()
    {
        Watcher? called = null; // for the handler; what is not, stays within try, and so in registers
        *_memory->Priority = Priorities - 1;

        while (true)
        {
            try
            {
                WatcherTable watchers = _watchers;
                Native.QueueMemory* queue = _memory;
                int* at = queue->Priority, counts = queue->Counts;

                while (true)
                {
                    // anew each time: a callback may feed a higher one, stop what is pending, or run the loop itself
                    uint priority = (uint)*at;
                    int count = counts[priority];

                    if (count == 0)
                    {
                        if (priority == 0)
                        {
                            return;
                        }

                        *at = (int)priority - 1;
                        continue;
                    }

                    if (queue->Halted != 0)
                    {
                        return;
                    }

                    counts[priority] = --count;
                    Native.PendingMemory* pending = queue->Slots[priority] + (uint)count;
                    Native.WatcherMemory* w = pending->Watcher;
                    int revents = pending->Revents;
                    w->Pending = 0;

                    // these few instructions are what an event costs over C: what is rare shares its tests
                    if ((w->Plain == 0 || (revents & (Sent | Error)) != 0) && !Ready(w, revents))
                    {
                        continue;
                    }

                    Watcher watcher = watchers[w->Id]!;
                    called = watcher;
                    watcher.OnEvent(revents);
                }
            }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
            catch (Exception e)
#pragma warning restore CA1031
            {
                called!.OnException(e);
            }
        }
    }

    // What is rare. False: it was no event for OnEvent, and has been dealt with.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool Ready(Native.WatcherMemory* w, int revents)
    {
        if (w->Id == 0)
        {
            Native.mood_watcher_call(_loop, (nint)w, revents);
            return false;
        }

        if (w->Plain == 0)
        {
            Native.mood_watcher_settle((nint)w);
        }

        if ((revents & Sent) != 0)
        {
            // Sent is clear for everybody before the callback looks for work: the other half of mood_async_send
            Interlocked.MemoryBarrier();
        }

        if ((revents & Error) != 0)
        {
            _watchers[w->Id]!.OnAnyEvent(revents);
            return false;
        }

        return true;
    }
}
