#if NET8_0_OR_GREATER
using System;
using System.Runtime.InteropServices;
using Mood.Event.Interop;
#endif

namespace Mood.Event.Handles;

/// <summary>
/// The process's one registration with the runtime per signal that any watcher listens to. The runtime stays the owner
/// of the disposition; its handler only feeds libev. Without PosixSignalRegistration, native/signal.c does this work.
/// </summary>
internal static class SignalRegistrations
{
#if NET8_0_OR_GREATER
    private static readonly object s_gate = new();
    private static readonly PosixSignalRegistration?[] s_registrations = new PosixSignalRegistration?[65];
    private static readonly int[] s_holders = new int[65];
    private static PosixSignalRegistration? s_barrier;

    /// <summary>One more holder of the signal. Throws what PosixSignalRegistration.Create throws.</summary>
    internal static void Acquire(LoopHandle loop, int signum)
    {
        lock (s_gate)
        {
            if (s_holders[signum] == 0)
            {
                s_registrations[signum] = PosixSignalRegistration.Create((PosixSignal)signum, context =>
                {
                    context.Cancel = true; // libev's meaning: who watches a signal replaces its default action
                    Native.mood_feed_signal(signum);
                });
            }

            s_holders[signum]++;
            loop.Signals |= 1UL << (signum - 1);
        }
    }

    internal static void Release(LoopHandle loop, int signum)
    {
        lock (s_gate)
        {
            if (s_holders[signum] > 0 && --s_holders[signum] == 0)
            {
                loop.Signals &= ~(1UL << (signum - 1));
                s_registrations[signum]?.Dispose();
                s_registrations[signum] = null;
            }
        }
    }

    /// <summary>The loop has ended with watchers active: a signal belongs to one loop, so all its holders go.</summary>
    internal static void ReleaseAll(ulong signals)
    {
        for (int signum = 1; signals != 0; signum++, signals >>= 1)
        {
            if ((signals & 1) != 0)
            {
                lock (s_gate)
                {
                    s_holders[signum] = 0;
                    s_registrations[signum]?.Dispose();
                    s_registrations[signum] = null;
                }
            }
        }
    }

    /// <summary>
    /// Answers native/child.c's barrier signal. Once made it stays: a barrier may be under way when the last Child stops.
    /// </summary>
    internal static void AnswerBarrier()
    {
        lock (s_gate)
        {
            s_barrier ??= PosixSignalRegistration.Create((PosixSignal)Native.mood_child_barrier(), static context =>
            {
                context.Cancel = true;
                Native.mood_child_passed();
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

    internal static void ReleaseAll(ulong signals)
    {
    }

    internal static void AnswerBarrier()
    {
    }
#endif
}
