using System;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <content>Statistics, and the events for slow callbacks and blocked loops. CallbackGauge measures; Watchdog finds blocked loops.</content>
public sealed partial class Loop
{
    // Null: the loop does not measure. Set once, by any thread, with compare-and-swap. The owner reads it once in each Walk.
    private CallbackGauge? _gauge;

    /// <summary>
    /// The counters of the loop: its iterations, callbacks, waiting time and lag. Any thread. The first read starts the
    /// measuring, so the measured values of that read are 0. A loop with <see cref="LoopOptions.SlowCallback"/> or
    /// <see cref="LoopOptions.Blocked"/> measures from the start.
    /// </summary>
    /// <remarks>A loop that does not measure has no extra cost. A loop that measures reads a processor counter after each
    /// callback. It measures until it is disposed.</remarks>
    public LoopStatistics Statistics => new(Measure().Read(), Watchers.Count, _posts.Waiting);

    /// <summary>The number of iterations, for the owner inside Start.</summary>
    internal long IterationOfOwner => IsClosed ? 0 : Native.mood_loop_iteration(_native);

    /// <summary>The gauge that measures the posted actions of a walk. Null if the loop does not measure, or is not in a measured
    /// walk.</summary>
    internal CallbackGauge? Gauge => _gauge is { IsInWalk: true } gauge ? gauge : null;

    /// <summary>Begins the measuring, on any thread. Does nothing if it has begun.</summary>
    internal CallbackGauge Measure() => Measure(TimeSpan.Zero, TimeSpan.Zero);

    /// <summary>Called at the end of a walk. Records its lag with the meter. Throws nothing.</summary>
    internal void OnMeasured(long lag) => RecordLag(lag);

    private CallbackGauge Measure(TimeSpan slow, TimeSpan blocked)
    {
        if (_gauge is null)
        {
            Interlocked.CompareExchange(ref _gauge, new CallbackGauge(this, slow, blocked), null);
        }

        return _gauge;
    }

    // A walk: calls the pending watchers. With a gauge, PendingQueue runs other code for the walk, so that a loop without a gauge pays
    // only for this test.
    private void Walk()
    {
        if (_gauge is CallbackGauge gauge)
        {
            (long Start, object? Current, object? Waiter) outer = gauge.Begin();
            _pending.Invoke(gauge);
            gauge.End(outer);
        }
        else
        {
            _pending.Invoke();
        }
    }

    // Only net8.0 has a meter and an event source.
    partial void RecordLag(long lag);

    partial void BeSeenByTelemetry();

    partial void TraceStarted();

    partial void TraceStopped();

    partial void TraceSlow(SlowCallbackEventArgs e);

    partial void TraceBlocked(SlowCallbackEventArgs e);

    partial void TraceException(MethodInfo? method, Exception exception);
}
