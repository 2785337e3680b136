using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called at times of the wall clock (ev_periodic): at one time, or whenever the time is <see cref="Offset"/> plus a
/// multiple of <see cref="Interval"/>. Steps of the wall clock move it.
/// </summary>
public sealed class Periodic : Watcher<Periodic>
{
    private double _interval;

    /// <summary>Makes a periodic; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="offset">With an interval: seconds added to its multiples. Without: the time of the one call, in
    /// seconds since the epoch.</param>
    /// <param name="interval">Seconds between calls, at least 1/8192; 0: one call, and it stops itself.</param>
    /// <param name="callback">Called when it is due.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, <paramref name="interval"/> is negative
    /// or too short, or <paramref name="offset"/> is beyond 1e12 with an interval.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Periodic(
        Loop loop, double offset, double interval, Action<Periodic, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        CheckTimes(offset, interval);
        Create(Native.Kind.Periodic, priority);
        SetCore(offset, interval);
    }

    /// <inheritdoc cref="Periodic(Loop, double, double, Action{Periodic, Events}, object, int)"/>
    public Periodic(
        Loop loop, TimeSpan offset, TimeSpan interval, Action<Periodic, Events> callback, object? data = null, int priority = 0)
        : this(loop, offset.TotalSeconds, interval.TotalSeconds, callback, data, priority)
    {
    }

    /// <summary>Makes a periodic that is called once; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="at">When; a time in the past: in the next iteration.</param>
    /// <param name="callback">Called when it is due.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Periodic(
        Loop loop, DateTimeOffset at, Action<Periodic, Events> callback, object? data = null, int priority = 0)
        : this(loop, ManualClock.SecondsSinceEpoch(at), 0, callback, data, priority)
    {
    }

    /// <summary>Seconds added to the multiples of the interval, or the time of the one call.</summary>
    public double Offset { get; private set; }

    /// <summary>Seconds between calls, or 0. Set while active, it counts from the next call or Reset on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to NaN, an infinity, a negative time or less than 1/8192.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double Interval
    {
        get => _interval;
        set
        {
            using Loop.Claim claim = Use();
            Validate.Interval(value, nameof(value));
            Validate.Offset(Offset, value, nameof(value));
            _interval = value;
            Native.mood_periodic_set_interval(Memory, value);
            GC.KeepAlive(this);
        }
    }

    /// <summary>When an active periodic is called next, in seconds since the epoch (ev_periodic_at).</summary>
    public double At
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
            double at = Memory == 0 ? 0 : Native.mood_periodic_at(Memory);
            GC.KeepAlive(this);
            return at;
        }
    }

    /// <summary>Changes both times.</summary>
    /// <param name="offset">Seconds added to the multiples of the interval, or the time of the one call.</param>
    /// <param name="interval">Seconds between calls, or 0.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">As in the constructor.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(double offset, double interval)
    {
        using Loop.Claim claim = UseSettable("offset and interval");
        CheckTimes(offset, interval);
        SetCore(offset, interval);
    }

    /// <inheritdoc cref="Set(double, double)"/>
    public void Set(TimeSpan offset, TimeSpan interval) => Set(offset.TotalSeconds, interval.TotalSeconds);

    /// <summary>Changes the time of the one call, and repeats no more.</summary>
    /// <param name="at">When.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(DateTimeOffset at) => Set(ManualClock.SecondsSinceEpoch(at), 0);

    /// <summary>Stops and starts it with its present times (ev_periodic_again); an inactive one is started.</summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();
        Hold();
        Native.mood_periodic_again(Memory);
        Settle();
        GC.KeepAlive(this);
    }

    private static void CheckTimes(double offset, double interval)
    {
        Validate.Interval(interval, nameof(interval));
        Validate.Offset(offset, interval, nameof(offset));
    }

    private void SetCore(double offset, double interval)
    {
        _interval = interval;
        Offset = offset;
        Native.mood_periodic_set(Memory, offset, interval);
        GC.KeepAlive(this);
    }
}
