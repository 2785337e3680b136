using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <content>The registrations, and how the last one of a signal goes.</content>
internal static partial class SignalRegistrations
{
    /// <summary>How long the last stop of a signal waits until the runtime has handed out what came before.</summary>
    private static readonly TimeSpan s_patience = TimeSpan.FromMilliseconds(10);

    // by default these signals do nothing: their registrations may go at any time
    private static readonly ulong s_harmless =
        Bit(Signum.SIGCHLD) | Bit(Signum.SIGCONT) | Bit(Signum.SIGURG) | Bit(Signum.SIGWINCH);

    // guards the two arrays below and LoopHandle.Signals of every loop
    private static readonly object s_gate = new();

    // by signal: the registration. It outlives its last holder while the runtime still owes it calls.
    private static readonly PosixSignalRegistration?[] s_registrations = new PosixSignalRegistration?[65];

    // by signal: how many active watchers hold the registration
    private static readonly int[] s_holders = new int[65];

    // pulsed when a registration was called that no watcher holds any more
    private static readonly object s_called = new();

    /// <summary>
    /// A watcher becomes a holder of the signal. Throws what PosixSignalRegistration.Create throws, and nothing has changed
    /// then. Thread.Interrupt is put off.
    /// </summary>
    internal static void Acquire(LoopHandle loop, int signum) => RunUninterrupted(() =>
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
    });

    /// <summary>A watcher is a holder no longer. The last one takes <see cref="s_patience"/> at most.</summary>
    internal static void Release(LoopHandle loop, int signum) => Release(loop, signum, signum);

    /// <summary>The loop has ended, with watchers active or not.</summary>
    internal static void ReleaseAll(LoopHandle loop) => Release(loop, 1, loop.Signals.Length - 1);

    // on its own: in Acquire the delegate would keep what that captures alive, which is the loop
    private static void Register(int signum)
    {
        Native.mood_signal_register(signum, begins: 1);

        try
        {
            s_registrations[signum] = PosixSignalRegistration.Create((PosixSignal)signum, context => Guard(context, signum));
            Native.mood_signal_watch(signum);
        }
        finally
        {
            Native.mood_signal_register(signum, begins: 0);
        }
    }

    private static ulong Bit(int signum) => 1UL << (signum - 1);

    private static void Release(LoopHandle loop, int first, int end)
    {
        ulong last = 0;

        RunUninterrupted(() =>
        {
            lock (s_gate)
            {
                for (int signum = first; signum <= end; signum++)
                {
                    // by loop: while one loop stops watching a signal, the next one may have started already
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
    /// The signal's registration, called by the runtime on a thread of its pool or one of its own. What the runtime found in its
    /// pipe after the last stop, but our handler had seen before, has no default action either. A later one has.
    /// </summary>
    private static void Guard(PosixSignalContext context, int signum)
    {
        int owed = Native.mood_signal_guard(signum);

        if (owed >= 0)
        {
            context.Cancel = true; // and never false: another registration may have set it
        }

        if (owed > 0 || Volatile.Read(ref s_holders[signum]) > 0)
        {
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
    /// Waits until the runtime has called the registrations for every signal that came while it was watched. Without such a wait
    /// the registration goes later, which a program sees at most in the signal's disposition.
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
    /// Under the gate: disposes a registration that has no holder. While the runtime owes it calls it remains, because the
    /// runtime lets the default action happen where no registration is left. The last of those calls retires it.
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
