using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <content>The table of registrations, and the disposal of a registration that no watcher needs any more.</content>
internal static partial class SignalRegistrations
{
    /// <summary>How long the stop of a signal's last watcher waits for the calls that the runtime still owes (see Guard).</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(10);

    // The default action of these signals does nothing. So their registrations may be disposed at any time.
    private static readonly ulong s_harmless =
        Bit(Signum.SIGCHLD) | Bit(Signum.SIGCONT) | Bit(Signum.SIGURG) | Bit(Signum.SIGWINCH);

    // Guards s_registrations, s_holders, and LoopHandle.Signals of every loop.
    private static readonly object s_gate = new();

    // By signal: the registration, or null. It outlives its last holder while the runtime still owes it calls.
    private static readonly PosixSignalRegistration?[] s_registrations = new PosixSignalRegistration?[65];

    // By signal: how many active watchers hold the registration.
    private static readonly int[] s_holders = new int[65];

    // Pulsed when the runtime has called a registration that no watcher holds any more.
    private static readonly object s_called = new();

    /// <summary>
    /// Makes a watcher of the loop a holder of the signal's registration. If PosixSignalRegistration.Create throws, the exception
    /// leaves this method and nothing has changed. Thread.Interrupt is deferred.
    /// </summary>
    internal static void Acquire(LoopHandle loop, int signum)
    {
        // Windows has no SIGCHLD: native code reports children by itself.
        if (signum > 0)
        {
            RunUninterrupted(() => AcquireCore(loop, signum));
        }
    }

    /// <summary>Ends the hold of one watcher of the loop. The last holder may wait for <see cref="s_patience"/>.</summary>
    internal static void Release(LoopHandle loop, int signum)
    {
        if (signum > 0)
        {
            Release(loop, signum, signum);
        }
    }

    /// <summary>Ends the holds of all watchers of the loop, which is being closed.</summary>
    internal static void ReleaseAll(LoopHandle loop)
    {
        // Most loops have no signal watcher. This is read outside s_gate, because only the thread that has claimed the loop changes
        // the loop's numbers.
        if (loop.Signals.ContainsAnyExcept(0))
        {
            Release(loop, 1, loop.Signals.Length - 1);
        }
    }

    private static void AcquireCore(LoopHandle loop, int signum)
    {
        lock (s_gate)
        {
            if (s_registrations[signum] is null)
            {
                Register(signum);
            }
            else if (s_holders[signum] == 0)
            {
                Native.mood_signal_watch(signum);
            }

            s_holders[signum]++;
            loop.Signals[signum]++;
        }
    }

    // A method of its own, which does not know the loop: the registration keeps the lambda, and the lambda keeps the variables of its method
    // that lambdas use. With the loop among them, the registration would keep the loop in memory.
    private static void Register(int signum)
    {
        Native.mood_signal_register(signum, begins: 1);

        try
        {
            s_registrations[signum] = PosixSignalRegistration.Create(NameOf(signum), context => Guard(context, signum));
            Native.mood_signal_watch(signum);
        }
        finally
        {
            Native.mood_signal_register(signum, begins: 0);
        }
    }

    // no bit for a signal that this system does not have
    private static ulong Bit(int signum) => signum < 0 ? 0 : 1UL << (signum - 1);

    private static void Release(LoopHandle loop, int first, int end)
    {
        ulong last = 0;

        RunUninterrupted(() =>
        {
            lock (s_gate)
            {
                for (int signum = first; signum <= end; signum++)
                {
                    // Counted per loop: another loop may already hold the registration that this loop releases.
                    int count = first == end ? Math.Min(1, loop.Signals[signum]) : loop.Signals[signum];
                    loop.Signals[signum] -= count;
                    s_holders[signum] -= count;

                    if (count > 0 && s_holders[signum] == 0)
                    {
                        Native.mood_signal_unwatch(signum);
                        last |= Bit(signum);
                    }
                }
            }
        });

        if (last == 0)
        {
            return;
        }

        RunUninterrupted(() => AwaitCalls(last & ~s_harmless));
        RunUninterrupted(() =>
        {
            lock (s_gate)
            {
                for (int signum = first; signum <= end; signum++)
                {
                    if ((last & Bit(signum)) != 0)
                    {
                        Retire(signum);
                    }
                }
            }
        });
    }

    /// <summary>
    /// The callback of a signal's registration. The runtime calls it on a thread of the pool or on a new thread. It prevents the
    /// default action of every signal that came while the signal was watched, even if the call comes after the last stop. The
    /// runtime owes a call for each signal that the native handler has passed on. A signal that came after the last stop gets its
    /// default action.
    /// </summary>
    internal static void Guard(PosixSignalContext context, int signum)
    {
        int owed = Native.mood_signal_guard(signum);

        if (owed >= 0)
        {
            context.Cancel = true; // never set to false, because another registration may have set it to true
        }

        if (owed > 0 || Volatile.Read(ref s_holders[signum]) > 0)
        {
            AwaitEndOfProcess(context.Signal);
            return;
        }

        RunUninterrupted(() =>
        {
            lock (s_called)
            {
                Monitor.PulseAll(s_called);
            }
        });
        RunUninterrupted(() =>
        {
            lock (s_gate)
            {
                Retire(signum);
            }
        });
    }

    /// <summary>
    /// Waits until the runtime has called the registrations for every signal that came while it was watched, for
    /// <see cref="s_patience"/> at most. After a timeout, the last owed call disposes the registration. Until then, the only
    /// visible effect is that the signal still has a handler.
    /// </summary>
    private static void AwaitCalls(ulong signums)
    {
        long start = Stopwatch.GetTimestamp();

        lock (s_called)
        {
            for (int signum = 1; signum < s_holders.Length; signum++)
            {
                while ((signums & Bit(signum)) != 0 && Native.mood_signal_owed(signum) > 0)
                {
                    TimeSpan left = s_patience - Stopwatch.GetElapsedTime(start);

                    if (left <= TimeSpan.Zero || !Monitor.Wait(s_called, left))
                    {
                        return;
                    }
                }
            }
        }
    }

    /// <summary>
    /// Disposes a registration that has no holder. While the runtime owes it calls, it stays, because without a registration the
    /// runtime performs the default action. The last owed call then retires it. Must be called under s_gate.
    /// </summary>
    private static void Retire(int signum)
    {
        if (s_holders[signum] == 0
            && s_registrations[signum] is { } registration
            && (Native.mood_signal_unguard(signum) == 0 || (s_harmless & Bit(signum)) != 0))
        {
            registration.Dispose();
            s_registrations[signum] = null;
            Native.mood_signal_register(signum, begins: 0);
        }
    }

    private static void RunUninterrupted(Action action) => Uninterrupted.Run(static action => action(), action);
}
