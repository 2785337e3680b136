using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The pending events of a loop. This walk replaces ev_invoke_pending, and makes one transition into managed code per iteration
/// instead of one per event (docs/design/dispatch.md). The order of the calls, and what a callback may change, are exactly
/// those of ev_invoke_pending: see mood_pending in native/mood_event.h. That header lays out the queue in C (mood_queue,
/// mood_pending). Interop/Native.cs has the same layout in C# (<see cref="Native.QueueMemory"/>,
/// <see cref="Native.PendingMemory"/>).
/// </summary>
internal readonly unsafe struct PendingQueue
{
    internal const int Priorities = 5;

    // EV_ASYNC, EV_ERROR
    internal const int Sent = 0x80000, Error = unchecked((int)0x80000000);

    /// <summary>MethodImplOptions.AggressiveOptimization, which netstandard2.0 has no name for.</summary>
    internal const MethodImplOptions Optimized = (MethodImplOptions)0x200;

    private readonly nint _loop;
    private readonly WatcherTable _watchers;
    private readonly Native.QueueMemory* _memory;

    internal PendingQueue(nint loop, WatcherTable watchers)
    {
        _loop = loop;
        _watchers = watchers;
        _memory = Native.mood_loop_queue(loop);

        // Initializes the static fields of StartContext before Invoke is compiled, which happens once. The JIT then treats them as constants.
        _ = StartContext.Capture();
    }

    /// <summary>Whether native code calls Trampoline.Pending in every iteration, even without pending events.</summary>
    internal bool Always
    {
        set
        {
            _memory->Always = value ? 1 : 0;
            ForgetLeft(); // a new Loop.Callback has left no event yet
        }
    }

    /// <summary>Forgets how many events Loop.Callback has left. Called before the program's Invoke, which takes them.</summary>
    internal void ForgetLeft() => _memory->Left = 0;

    /// <summary>Clears `halted` before an Invoke outside Start. Inside Start the next mood_loop_run clears it.</summary>
    internal void Resume() => _memory->Halted = 0;

    /// <summary>Calls the pending watchers until none is left or the loop is halted. Throws nothing.</summary>
    internal void Invoke() => Walk(default(Unmeasured));

    /// <summary>As <see cref="Invoke()"/>, and measures each callback.</summary>
    internal void Invoke(CallbackGauge gauge) => Walk(new Measured(gauge));

    /// <remarks>The JIT compiles one walk for each type of meter, so that the unmeasured walk contains no code of the measuring.
    /// With AggressiveOptimization the JIT optimizes the method at its first call. With tiered compilation, on one processor, a
    /// busy method would stay unoptimized for two seconds, and until then an event would cost four times as much
    /// (docs/design/dispatch.md).</remarks>
    [MethodImpl(Optimized)]
    private void Walk<TMeter>(TMeter meter)
        where TMeter : struct, IMeter
    {
        // These two live across the catch handler. The other locals do not, so that the JIT keeps them in registers.
        Watcher? called = null;
        StartContext context = StartContext.Capture();
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
                    // Read again each time: a callback may feed a higher priority, stop a pending watcher, or run the loop.
                    nint priority = *at;
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
                    Watcher? watcher = watchers[w->Id];
                    called = watcher;

                    // These few instructions are the extra cost of an event compared with C. So the rare cases share one test,
                    // and have a method of their own. Then `w` and `revents` need not be kept during a call.
                    if (w->Plain == 0 || (revents & (Sent | Error)) != 0)
                    {
                        OnRareEvent(meter, w, watcher, revents);
                    }
                    else
                    {
                        meter.Before(watcher!);
                        watcher!.OnEvent(revents);
                        meter.After();
                    }

                    context.Restore();
                }
            }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
            catch (Exception e)
#pragma warning restore CA1031
            {
                called!.OnException(e);
                meter.After();
                context.Restore();
            }
        }
    }

    // The rare cases. A watcher of libev's own has no slot in the table, and throws nothing.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OnRareEvent<TMeter>(TMeter meter, Native.WatcherMemory* w, Watcher? watcher, int revents)
        where TMeter : struct, IMeter
    {
        if (watcher is null)
        {
            Native.mood_watcher_call(_loop, (nint)w, revents);
            return;
        }

        if (w->Plain == 0)
        {
            Native.mood_watcher_settle((nint)w);
        }

        if ((revents & Sent) != 0)
        {
            // The full fence between clearing `sent` and the callback that reads the data: see mood_async_send.
            Interlocked.MemoryBarrier();
        }

        if ((revents & Error) != 0)
        {
            watcher.OnAnyEvent(revents);
            return;
        }

        meter.Before(watcher);
        watcher.OnEvent(revents);
        meter.After();
    }

    private interface IMeter
    {
        void Before(Watcher watcher);

        void After();
    }

    private readonly struct Unmeasured : IMeter
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Before(Watcher watcher)
        {
        }

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void After()
        {
        }
    }

    private readonly struct Measured(CallbackGauge gauge) : IMeter
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void Before(Watcher watcher) => gauge.Before(watcher);

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public void After() => gauge.After();
    }
}
