using System;
using System.Collections.Generic;
using System.Diagnostics.Metrics;

namespace Mood.Event;

/// <summary>The meter "Mood.Event". A loop begins to measure when a listener first asks for its values.</summary>
internal static class LoopMeter
{
    internal const string Name = "Mood.Event", LoopName = "mood.event.loop.name";

    // Set once by Make. Null: not made yet.
    private static Meter? s_meter;

    // Null as long as it is not made. Any thread reads it.
    private static Histogram<double>? s_lag;

    /// <summary>Whether a listener wants each lag. Any thread.</summary>
    internal static bool IsLagWanted => s_lag?.Enabled == true;

    /// <summary>Creates the instruments. Each one is created separately, because a listener may throw at one. Throws
    /// nothing.</summary>
    internal static void Make()
    {
        Meter meter = s_meter = new Meter(Name, Ev.Version);
        Telemetry.Guarded(() => meter.CreateObservableCounter(
            "mood.event.loop.iterations", () => Read(s => s.Iterations), "{iteration}", "How often loops have waited for events."));
        Telemetry.Guarded(() => meter.CreateObservableCounter(
            "mood.event.loop.events", () => Read(s => s.Events), "{event}", "Callbacks and posted actions that loops have called."));
        Telemetry.Guarded(() => meter.CreateObservableCounter(
            "mood.event.loop.busy_time", () => Read(s => s.Busy.TotalSeconds), "s", "Time spent in callbacks."));
        Telemetry.Guarded(() => meter.CreateObservableCounter(
            "mood.event.loop.idle_time", () => Read(s => s.Idle.TotalSeconds), "s", "Time spent waiting for events."));
        Telemetry.Guarded(() => s_lag = meter.CreateHistogram<double>(
            "mood.event.loop.lag", "s", "How long the callbacks of an iteration kept the loop from waiting for events."));
        Telemetry.Guarded(() => meter.CreateObservableUpDownCounter(
            "mood.event.loop.active_watchers", () => Read(s => (long)s.ActiveWatchers), "{watcher}", "Active and pending watchers."));
        Telemetry.Guarded(() => meter.CreateObservableUpDownCounter(
            "mood.event.loop.pending_posts", () => Read(s => (long)s.PendingPosts), "{post}", "Posted actions that wait."));
    }

    /// <summary>Called when the load context is unloaded.</summary>
    internal static void End() => s_meter?.Dispose();

    /// <summary>Records a lag. Throws nothing.</summary>
    internal static void Record(Loop loop, long lag)
    {
        if (s_lag is { Enabled: true } histogram)
        {
            try
            {
                histogram.Record(Ticks.Seconds(lag), TagOf(loop));
            }
#pragma warning disable CA1031 // any exception: a listener threw it, and the loop must go on
            catch (Exception e)
#pragma warning restore CA1031
            {
                Telemetry.Report(e);
            }
        }
    }

    private static List<Measurement<T>> Read<T>(Func<LoopStatistics, T> value)
        where T : struct
    {
        List<Loop> loops = Telemetry.Loops();
        var measurements = new List<Measurement<T>>(loops.Count);
        loops.ForEach(loop => measurements.Add(new Measurement<T>(value(loop.Statistics), TagOf(loop))));
        return measurements;
    }

    private static KeyValuePair<string, object?> TagOf(Loop loop) => new(LoopName, Telemetry.NameOf(loop));
}
