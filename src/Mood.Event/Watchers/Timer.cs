using System;

namespace Mood.Event;

/// <summary>
/// Calls back once after a time, or repeatedly (ev_timer). It uses the monotonic clock, so a change of the wall clock does not
/// affect it.
/// </summary>
/// <remarks>
/// <para>
/// In a callback, a timer counts from <see cref="Loop.Now"/>, the time at which the loop woke up. Outside Start it counts from the
/// time of the clock, which is read at most once in 30 microseconds. Such a timer may be called up to 30 microseconds early.
/// </para>
/// <para>
/// A timer that was stopped and is started again continues with the time that was left. A timer without repetition that has
/// expired has no time left: Start makes it due in the next iteration. To count the whole time again, call
/// <see cref="Restart()"/>.
/// </para>
/// </remarks>
/// <example><code>
/// Timer timeout = loop.Timer(60, 0, (timer, events) => Console.WriteLine("no answer for a minute"));
/// timeout.Start();
///
/// // at each answer
/// timeout.Restart();
/// </code></example>
public sealed class Timer : Watcher<Timer>
{
    // The value given to the constructor, Set or Restart, which Restart() uses again. libev's own copy counts down.
    private double _after;

    private double _repeat;

    /// <summary>Creates a timer. It is not started.</summary>
    /// <param name="loop">The loop that the timer belongs to.</param>
    /// <param name="after">Seconds from Start to the first call. With zero or less, the timer is due in the next
    /// iteration.</param>
    /// <param name="repeat">Seconds between later calls, zero or more. Zero means one call, after which the timer is
    /// stopped.</param>
    /// <param name="callback">The callback, called when the time is over.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, or <paramref name="repeat"/> is
    /// negative.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Timer(
        Loop loop, double after, double repeat, Action<Timer, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Validate.Finite(after, nameof(after));
        Validate.NotNegative(repeat, nameof(repeat));
        Create(Native.Kind.Timer, priority);
        SetCore(after, repeat);
    }

    /// <summary>Creates a timer. It is not started.</summary>
    /// <param name="loop">The loop that the timer belongs to.</param>
    /// <param name="after">The time from Start to the first call. With zero or less, the timer is due in the next
    /// iteration.</param>
    /// <param name="repeat">The time between later calls, zero or more. Zero means one call, after which the timer is
    /// stopped.</param>
    /// <param name="callback">The callback, called when the time is over.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">A time is <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, or
    /// <paramref name="repeat"/> is negative.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Timer(
        Loop loop, TimeSpan after, TimeSpan repeat, Action<Timer, Events> callback, object? data = null, int priority = 0)
        : this(loop, Validate.Time(after, nameof(after)), Validate.Time(repeat, nameof(repeat)), callback, data, priority)
    {
    }

    /// <summary>
    /// Seconds between calls; 0 for a timer that does not repeat. Setting it does not change the time of the next call. It
    /// takes effect after that call, or at <see cref="Reset"/>.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to NaN, an infinity or a negative number.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double Repeat
    {
        get => _repeat;
        set
        {
            using Loop.Claim claim = Use();
            _repeat = Validate.NotNegative(value, nameof(value));
            Native.mood_timer_set_repeat(Memory, value);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// Seconds until the next call, counted from the loop's time (ev_timer_remaining). For an inactive timer: the seconds from
    /// Start to the first call. Never negative: 0 if the timer is due or has expired. 0 after Dispose.
    /// </summary>
    public double Remaining
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();

            if (Memory == 0 || Loop.IsClosed)
            {
                return 0;
            }

            double remaining = Native.mood_timer_remaining(Memory);
            GC.KeepAlive(this);
            return Math.Max(remaining, 0);
        }
    }

    /// <summary>Sets both times of an inactive timer (ev_timer_set).</summary>
    /// <param name="after">Seconds from Start to the first call. With zero or less, the timer is due in the next
    /// iteration.</param>
    /// <param name="repeat">Seconds between later calls, zero or more. Zero means one call.</param>
    /// <exception cref="InvalidOperationException">The timer is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, or <paramref name="repeat"/> is
    /// negative.</exception>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Set(double after, double repeat)
    {
        using Loop.Claim claim = UseSettable("after and repeat");
        Validate.Finite(after, nameof(after));
        Validate.NotNegative(repeat, nameof(repeat));
        SetCore(after, repeat);
    }

    /// <summary>Sets both times of an inactive timer (ev_timer_set).</summary>
    /// <param name="after">The time from Start to the first call. With zero or less, the timer is due in the next
    /// iteration.</param>
    /// <param name="repeat">The time between later calls, zero or more. Zero means one call.</param>
    /// <exception cref="InvalidOperationException">The timer is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>, or
    /// <paramref name="repeat"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Set(TimeSpan after, TimeSpan repeat) =>
        Set(Validate.Time(after, nameof(after)), Validate.Time(repeat, nameof(repeat)));

    /// <summary>
    /// Moves the next call to <see cref="Repeat"/> seconds from now, and starts the timer if it is not active
    /// (ev_timer_again). A pending event is discarded.
    /// </summary>
    /// <remarks>
    /// This is the cheapest way to push a timeout back. For a timer that does not repeat, use <see cref="Restart()"/>.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Repeat is 0.</exception>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();

        if (_repeat > 0 && Active && !Pending)
        {
            Loop.UpdateIdleTimeRoughly();
            Native.mood_timer_push(Memory); // stays active: nothing to reconcile
        }
        else if (_repeat > 0)
        {
            Hold();
            Loop.UpdateIdleTimeRoughly();
            Native.mood_timer_again(Memory);
            Reconcile();
        }
        else
        {
            throw Error.InvalidOperation_NoRepeat();
        }

        GC.KeepAlive(this);
    }

    /// <summary>
    /// Starts the timer again from now, in any state. The first call comes after the whole time that was passed to the
    /// constructor, <see cref="Set(double, double)"/> or <see cref="Restart(double)"/>. A pending event is discarded.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Restart()
    {
        using Loop.Claim claim = Use();
        RestartCore(_after);
    }

    /// <summary>
    /// Starts the timer again from now, in any state, with a new time to the first call. <see cref="Repeat"/> keeps its value. A
    /// pending event is discarded.
    /// </summary>
    /// <remarks>It does the same as Stop, Set(after, Repeat) and Start.</remarks>
    /// <param name="after">Seconds from now to the first call. With zero or less, the timer is due in the next iteration.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is NaN or infinite.</exception>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Restart(double after)
    {
        using Loop.Claim claim = Use();
        RestartCore(Validate.Finite(after, nameof(after)));
    }

    /// <summary>
    /// Starts the timer again from now, in any state, with a new time to the first call. <see cref="Repeat"/> keeps its value. A
    /// pending event is discarded.
    /// </summary>
    /// <remarks>It does the same as Stop, Set(after, Repeat) and Start.</remarks>
    /// <param name="after">The time from now to the first call. With zero or less, the timer is due in the next
    /// iteration.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="ObjectDisposedException">The timer or its loop is disposed.</exception>
    public void Restart(TimeSpan after) => Restart(Validate.Time(after, nameof(after)));

    private protected override void StartCore()
    {
        Loop.UpdateIdleTimeRoughly();
        base.StartCore();
    }

    private void SetCore(double after, double repeat)
    {
        _after = after;
        _repeat = repeat;
        Native.mood_timer_set(Memory, after, repeat);
        GC.KeepAlive(this);
    }

    private void RestartCore(double after)
    {
        Hold();
        Native.mood_watcher_stop(Memory);
        SetCore(after, _repeat);
        StartCore();
        Reconcile();
        GC.KeepAlive(this);
    }
}
