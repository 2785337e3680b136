using System;

namespace Mood.Event;

/// <summary>The counters of a loop since its measuring began: see <see cref="Loop.Statistics"/>. <see cref="ActiveWatchers"/> and
/// <see cref="PendingPosts"/> are counted when the statistics are read. All other values are those of the end of the last measured
/// iteration.</summary>
public readonly record struct LoopStatistics
{
    internal LoopStatistics(CallbackGauge.Sums sums, int watchers, int posts)
    {
        (Iterations, Events) = (sums.Iterations, sums.Events);
        (Idle, Busy) = (Ticks.Span(sums.Idle), Ticks.Span(sums.Busy));
        LongestCallback = Ticks.Span(sums.Longest);
        (Lag, WorstLag) = (Ticks.Span(sums.Lag), Ticks.Span(sums.Worst));
        (ActiveWatchers, PendingPosts) = (watchers, posts);
    }

    /// <summary>How often the loop has waited for events since it was created (<see cref="Loop.Iteration"/>).</summary>
    public long Iterations { get; }

    /// <summary>The number of callbacks and posted actions that the loop has called.</summary>
    public long Events { get; }

    /// <summary>The time that the loop has waited for events inside <see cref="Loop.Start"/>. It never decreases. It includes waits that
    /// end at once, so a loop that spins without callbacks shows many <see cref="Iterations"/> and little Busy.</summary>
    public TimeSpan Idle { get; }

    /// <summary>The time that the loop has spent in callbacks. A nested Start counts as part of its callback. It never
    /// decreases.</summary>
    public TimeSpan Busy { get; }

    /// <summary>The longest time that one callback or posted action took.</summary>
    public TimeSpan LongestCallback { get; }

    /// <summary>The time for which the callbacks of the last iteration kept the loop from waiting for events. An event that
    /// arrived in that time was delayed by at most this value.</summary>
    public TimeSpan Lag { get; }

    /// <summary>The longest <see cref="Lag"/>.</summary>
    public TimeSpan WorstLag { get; }

    /// <summary>The number of active and pending watchers, those of awaits included, when the statistics were read.</summary>
    public int ActiveWatchers { get; }

    /// <summary>The number of posted actions that waited when the statistics were read.</summary>
    public int PendingPosts { get; }
}
