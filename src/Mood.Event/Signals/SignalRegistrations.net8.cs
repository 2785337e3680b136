using System;
#if NET8_0_OR_GREATER
using System.Runtime.InteropServices;
using System.Threading;
using Mood.Event.Interop;
#endif

namespace Mood.Event.Handles;

/// <summary>
/// The process's one registration with the runtime per signal that any watcher listens to. The runtime stays the owner
/// of the disposition; its handler only feeds libev. Without PosixSignalRegistration, native/signal.c does this work.
/// </summary>
internal static class SignalRegistrations
{
    /// <summary>Whether the runtime refused a registration. Where it has no fd for its pipe, its type cannot be initialized.</summary>
    internal static bool IsRefusal(Exception exception) => exception
        is System.IO.IOException or PlatformNotSupportedException or ArgumentException or TypeInitializationException;

#if NET8_0_OR_GREATER
    private static readonly object s_gate = new(), s_passed = new();
    private static readonly PosixSignalRegistration?[] s_registrations = new PosixSignalRegistration?[65];
    private static readonly int[] s_holders = new int[65];
    private static readonly ulong s_harmless = // by default they do nothing
        Bit(Signum.SIGCHLD) | Bit(Signum.SIGCONT) | Bit(Signum.SIGURG) | Bit(Signum.SIGWINCH);
    private static PosixSignalRegistration? s_barrier;
    private static int s_handled, s_host, s_barrierSignal;

    /// <summary>One more holder of the signal. Throws what PosixSignalRegistration.Create throws.</summary>
    internal static void Acquire(LoopHandle loop, int signum)
    {
        lock (s_gate)
        {
            s_barrier ??= AnswerBarrier();

            if (signum == s_barrierSignal)
            {
                throw Error.Argument_BarrierSignal(signum);
            }

            if (s_holders[signum] == 0)
            {
                s_registrations[signum] = PosixSignalRegistration.Create((PosixSignal)signum, context =>
                {
                    context.Cancel = true; // libev's meaning: who watches a signal replaces its default action
                    Native.mood_feed_signal(signum);
                    Interlocked.Increment(ref s_handled);
                });
            }

            s_holders[signum]++;
            loop.Signals[signum]++;
        }
    }

    internal static void Release(LoopHandle loop, int signum) => Uninterrupted(() =>
    {
        lock (s_gate)
        {
            if (Release(loop, signum, 1))
            {
                Forget(Bit(signum));
            }
        }
    });

    /// <summary>The loop has ended, with watchers active or not.</summary>
    internal static void ReleaseAll(LoopHandle loop) => Uninterrupted(() =>
    {
        lock (s_gate)
        {
            ulong last = 0;

            for (int signum = 1; signum < loop.Signals.Length; signum++)
            {
                if (Release(loop, signum, loop.Signals[signum]))
                {
                    last |= Bit(signum);
                }
            }

            if (last != 0)
            {
                Forget(last);
            }
        }
    });

    /// <summary>Thread.Interrupt may end any wait, but not leave a registration behind: it is put off until after.</summary>
    private static void Uninterrupted(Action action)
    {
        bool interrupted = false;

        while (true)
        {
            try
            {
                action();
                break;
            }
            catch (ThreadInterruptedException)
            {
                interrupted = true;
            }
        }

        if (interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }

    private static ulong Bit(int signum) => 1UL << (signum - 1);

    // Counted by loop: while one loop stops watching a signal, the next one may have started already. True: it was the last.
    private static bool Release(LoopHandle loop, int signum, int count)
    {
        count = Math.Min(count, loop.Signals[signum]);
        loop.Signals[signum] -= count;
        s_holders[signum] -= count;
        return count > 0 && s_holders[signum] == 0;
    }

    private static void Forget(ulong signums)
    {
        Uninterrupted(() => Drain(signums & ~s_harmless));

        Uninterrupted(() =>
        {
            for (int signum = 1; signum < s_registrations.Length; signum++)
            {
                if ((signums & Bit(signum)) != 0)
                {
                    s_registrations[signum]?.Dispose();
                    s_registrations[signum] = null;
                }
            }
        });
    }

    /// <summary>
    /// Waits until every signal that came before now has been handed to its handlers (native/barrier.c). Without that, one
    /// that is still in the runtime's pipe when its last registration goes finds no handler, and its default action ends
    /// the process: of a signal that somebody was watching when it came. Tens of microseconds; longer behind many
    /// signals (a second for 40,000), and a second without any progress, should the thread pool have no thread to spare.
    /// </summary>
    private static void Drain(ulong signums)
    {
        if (signums == 0)
        {
            return;
        }

        Native.mood_barrier_await(signums);
        int ticket = Native.mood_barrier_raise();
        int handled;

        lock (s_passed)
        {
            do
            {
                handled = Volatile.Read(ref s_handled);
            }
            while (Native.mood_barrier_passed(ticket) == 0
                && (Monitor.Wait(s_passed, 1000) || Volatile.Read(ref s_handled) != handled));
        }
    }

    /// <summary>
    /// Answers the barrier. Once made it stays: one may be under way when the last watcher stops. Whatever copies of this
    /// assembly there are in the process, they take their signals one by one: hence a lock that all of them know.
    /// </summary>
    private static unsafe PosixSignalRegistration AnswerBarrier()
    {
#pragma warning disable CA2002 // an object with weak identity: it is one and the same in every load context, as it has to be
        lock (typeof(PosixSignalRegistration))
#pragma warning restore CA2002
        {
            if (s_barrierSignal == 0)
            {
                int signum;
                s_host = Native.mood_barrier_join(&signum);
                s_barrierSignal = signum;
            }

            return PosixSignalRegistration.Create((PosixSignal)s_barrierSignal, static context =>
            {
                context.Cancel = true;
                Native.mood_barrier_handled(s_host);

                lock (s_passed)
                {
                    Monitor.PulseAll(s_passed);
                }
            });
        }
    }
#else
    internal static void Acquire(LoopHandle loop, int signum)
    {
    }

    internal static void Release(LoopHandle loop, int signum)
    {
    }

    internal static void ReleaseAll(LoopHandle loop)
    {
    }
#endif
}
