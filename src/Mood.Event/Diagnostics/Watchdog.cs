using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <summary>One thread of the process that checks for blocked loops. It starts with the first loop that has
/// <see cref="LoopOptions.Blocked"/>, and ends when no such loop is left.</summary>
internal static class Watchdog
{
    private static readonly Gate s_gate = new();

    // Under the gate. Weak, because a loop that the program has abandoned must be collected.
    private static readonly List<Entry> s_entries = [];

    // Under the gate: whether the thread runs.
    private static bool s_runs;

    /// <summary>Watches a loop until it is closed or collected.</summary>
    /// <exception cref="InvalidOperationException">The thread could not be started.</exception>
    internal static void Add(CallbackGauge gauge)
    {
        using (s_gate.Enter())
        {
            if (!s_runs)
            {
                try
                {
                    BackgroundThread.Start(new Thread(Run, 256 * 1024) { Name = "Mood.Event watchdog", IsBackground = true });
                }
                catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
                {
                    throw Error.InvalidOperation_NoWatchdog(e);
                }

                s_runs = true;
            }

            s_entries.Add(new Entry(new WeakReference<CallbackGauge>(gauge), gauge.Blocked));
        }
    }

    private static void Run()
    {
        while (Wait() is TimeSpan pause)
        {
            Sleep(pause);
            Entry[] entries;

            using (s_gate.Enter())
            {
                entries = s_entries.ToArray();
            }

            foreach (Entry entry in entries)
            {
                Look(entry);
            }
        }
    }

    private static void Sleep(TimeSpan pause)
    {
        try
        {
            Thread.Sleep(pause);
        }
        catch (ThreadInterruptedException)
        {
            // A handler of Blocked has interrupted this thread. It must not end, and the next look is only early.
        }
    }

    // A separate method, so that no local of Run keeps a loop from being collected.
    private static void Look(Entry entry)
    {
        try
        {
            if (entry.Gauge.TryGetTarget(out CallbackGauge? gauge) && gauge.LookAt(ref entry.Known) is SlowCallbackEventArgs e)
            {
                gauge.Loop.OnBlocked(e);
            }
        }
#pragma warning disable CA1031 // any exception: it would end the process
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.Write($"the watchdog cannot describe a blocked loop: {e.GetType()}"); // reflection has failed
        }
    }

    // A quarter of the shortest threshold; null: no loop is left, and the thread ends.
    private static TimeSpan? Wait()
    {
        using (s_gate.Enter())
        {
            s_entries.RemoveAll(static entry => !entry.Gauge.TryGetTarget(out CallbackGauge? gauge) || gauge.Loop.IsClosed);
            double shortest = 1;
            s_entries.ForEach(entry => shortest = Math.Min(shortest, Ticks.Seconds(entry.Blocked)));
            s_runs = s_entries.Count > 0;
            return s_runs ? TimeSpan.FromSeconds(Math.Max(0.005, shortest / 4)) : null;
        }
    }

    private sealed class Entry(WeakReference<CallbackGauge> gauge, long blocked)
    {
        // The start of the callback that was reported last. The watchdog's thread.
        internal long Known;

        internal WeakReference<CallbackGauge> Gauge { get; } = gauge;

        internal long Blocked { get; } = blocked;
    }
}
