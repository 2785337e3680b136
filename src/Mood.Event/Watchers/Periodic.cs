using System;

namespace Mood.Event;

/// <summary>
/// Calls back at times of the wall clock (ev_periodic): once at a given time, or whenever the time is <see cref="Offset"/> plus
/// a multiple of <see cref="Interval"/>.
/// </summary>
/// <remarks>
/// When the wall clock is set, the loop computes the time of the next call again. For times without a fixed interval use a
/// <see cref="Scheduler"/>. For times that must not depend on the wall clock use a <see cref="Timer"/>.
/// </remarks>
/// <example>An interval of 3600 s and an offset of 900 s: a quarter past every hour (UTC).
/// <code>loop.Periodic(900, 3600, (periodic, events) => Console.WriteLine("a quarter past")).Start();</code></example>
public sealed class Periodic : Watcher<Periodic>
{
    private double _interval;

    // The value of At after Dispose. Written by Remember only.
    private double _lastAt;

    /// <summary>Creates a periodic watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="offset">With an interval: seconds that are added to its multiples, between -1e12 and 1e12. Without an
    /// interval: the time of the one call, in seconds since 1970-01-01 UTC; a time in the past is due in the next
    /// iteration.</param>
    /// <param name="interval">Seconds between calls, at least 1/8192. Zero means one call, after which the watcher is
    /// stopped.</param>
    /// <param name="callback">The callback, called when the time has come.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, <paramref name="interval"/> is negative
    /// or too short, or <paramref name="offset"/> is too far from zero for an interval.</exception>
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

    /// <summary>Creates a periodic watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="offset">With an interval: the time that is added to its multiples. Without an interval: the time of the
    /// one call, counted from 1970-01-01 UTC; a time in the past is due in the next iteration.</param>
    /// <param name="interval">The time between calls, at least 1/8192 second. Zero means one call, after which the watcher is
    /// stopped.</param>
    /// <param name="callback">The callback, called when the time has come.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, or
    /// <paramref name="interval"/> is negative or too short.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Periodic(
        Loop loop, TimeSpan offset, TimeSpan interval, Action<Periodic, Events> callback, object? data = null, int priority = 0)
        : this(
            loop, Validate.Time(offset, nameof(offset)), Validate.Time(interval, nameof(interval)), callback, data, priority)
    {
    }

    /// <summary>Creates a periodic watcher for one call at a given time. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="at">The time of the call. A time in the past is due in the next iteration.</param>
    /// <param name="callback">The callback, called when the time has come.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Periodic(
        Loop loop, DateTimeOffset at, Action<Periodic, Events> callback, object? data = null, int priority = 0)
        : this(loop, UnixTime.From(at), 0, callback, data, priority)
    {
    }

    /// <summary>
    /// With an interval: the seconds that are added to its multiples. Without an interval: the time of the one call, in
    /// seconds since 1970-01-01 UTC.
    /// </summary>
    public double Offset { get; private set; }

    /// <summary>
    /// Seconds between calls; 0 for one call at <see cref="Offset"/>. Setting it does not move the call at <see cref="At"/>.
    /// It takes effect after that call, or at <see cref="Reset"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to NaN, an infinity, a negative number, or to more than 0 and less
    /// than 1/8192; or <see cref="Offset"/> is too far from zero for an interval.</exception>
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

    /// <summary>
    /// The time of the next call of an active watcher, in seconds since 1970-01-01 UTC (ev_periodic_at). It keeps its value
    /// when the watcher is stopped or disposed; 0 before the first Start.
    /// </summary>
    public double At
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            double at = Memory == 0 ? _lastAt : Native.mood_periodic_at(Memory);
            GC.KeepAlive(this);
            return at;
        }
    }

    /// <summary>
    /// <see cref="At"/> as a time in UTC, with the resolution of a double, about 0.25 microseconds. Null before the first
    /// Start, and for a time outside the years 1 to 9999.
    /// </summary>
    public DateTimeOffset? AtTime => UnixTime.Next(At);

    /// <summary>Sets both times of an inactive watcher (ev_periodic_set).</summary>
    /// <param name="offset">With an interval: seconds that are added to its multiples, between -1e12 and 1e12. Without an
    /// interval: the time of the one call, in seconds since 1970-01-01 UTC.</param>
    /// <param name="interval">Seconds between calls, at least 1/8192. Zero means one call.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, <paramref name="interval"/> is negative
    /// or too short, or <paramref name="offset"/> is too far from zero for an interval.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(double offset, double interval)
    {
        using Loop.Claim claim = UseSettable("offset and interval");
        CheckTimes(offset, interval);
        SetCore(offset, interval);
    }

    /// <summary>Sets both times of an inactive watcher (ev_periodic_set).</summary>
    /// <param name="offset">With an interval: the time that is added to its multiples. Without an interval: the time of the
    /// one call, counted from 1970-01-01 UTC.</param>
    /// <param name="interval">The time between calls, at least 1/8192 second. Zero means one call.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, or
    /// <paramref name="interval"/> is negative or too short.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(TimeSpan offset, TimeSpan interval) =>
        Set(Validate.Time(offset, nameof(offset)), Validate.Time(interval, nameof(interval)));

    /// <summary>Sets an inactive watcher to one call at a given time.</summary>
    /// <param name="at">The time of the call. A time in the past is due in the next iteration.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(DateTimeOffset at) => Set(UnixTime.From(at), 0);

    /// <summary>
    /// Computes the time of the next call again from the current offset and interval, and starts the watcher if it is not
    /// active (ev_periodic_again). A pending event is discarded.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();
        Hold();
        Loop.UpdateIdleTime();
        Native.mood_periodic_again(Memory);
        Reconcile();
        GC.KeepAlive(this);
    }

    private protected override void StartCore()
    {
        Loop.UpdateIdleTime();
        base.StartCore();
    }

    private protected override void Remember()
    {
        base.Remember();
        _lastAt = Native.mood_periodic_at(Memory);
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
