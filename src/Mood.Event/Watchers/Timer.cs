using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called once after a time, or again and again (ev_timer). Relative to the loop's time and the monotonic clock: steps
/// of the wall clock do not move it.
/// <para>
/// Stopped and started again it goes on with what was left. One that has expired has nothing left and is due at once: to
/// begin anew, use <see cref="Reset"/>, or <see cref="Set(double, double)"/> before Start.
/// </para>
/// </summary>
public sealed class Timer : Watcher<Timer>
{
    private double _repeat;

    /// <summary>Makes a timer; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="after">Seconds from Start to the first call; zero or less: in the next iteration.</param>
    /// <param name="repeat">Seconds between later calls; 0: there are none, and the timer stops itself.</param>
    /// <param name="callback">Called when it expires.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
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

    /// <inheritdoc cref="Timer(Loop, double, double, Action{Timer, Events}, object, int)"/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is infinite, or <paramref name="repeat"/> negative.</exception>
    public Timer(
        Loop loop, TimeSpan after, TimeSpan repeat, Action<Timer, Events> callback, object? data = null, int priority = 0)
        : this(loop, Validate.Time(after, nameof(after)), repeat.TotalSeconds, callback, data, priority)
    {
    }

    /// <summary>Seconds between calls, or 0. Set while active, it counts from the next expiry on.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to NaN, an infinity or a negative time.</exception>
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
    /// Seconds to the next call as the loop sees it; of an inactive timer, the seconds it will take once started
    /// (ev_timer_remaining). 0 once disposed.
    /// </summary>
    public double Remaining
    {
        get
        {
            using Loop.Claim claim = Loop.Read();

            if (Memory == 0 || Loop.IsClosed)
            {
                return 0;
            }

            double remaining = Native.mood_timer_remaining(Memory);
            GC.KeepAlive(this);
            return remaining;
        }
    }

    /// <summary>Changes both times.</summary>
    /// <param name="after">Seconds from Start to the first call.</param>
    /// <param name="repeat">Seconds between later calls, or 0.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">A time is NaN or infinite, or <paramref name="repeat"/> is
    /// negative.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(double after, double repeat)
    {
        using Loop.Claim claim = UseSettable("after and repeat");
        Validate.Finite(after, nameof(after));
        Validate.NotNegative(repeat, nameof(repeat));
        SetCore(after, repeat);
    }

    /// <inheritdoc cref="Set(double, double)"/>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="after"/> is infinite, or <paramref name="repeat"/> negative.</exception>
    public void Set(TimeSpan after, TimeSpan repeat) => Set(Validate.Time(after, nameof(after)), repeat.TotalSeconds);

    /// <summary>
    /// Starts over with <see cref="Repeat"/> seconds (ev_timer_again): the cheap way to push an idle timeout back. A
    /// pending event is forgotten. With a Repeat of 0 an active timer is stopped and an inactive one stays so.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();

        if (_repeat > 0 && Active)
        {
            Native.mood_timer_push(Memory); // stays active: nothing to settle
        }
        else
        {
            Hold();
            Native.mood_timer_again(Memory);
            Settle();
        }

        GC.KeepAlive(this);
    }

    private void SetCore(double after, double repeat)
    {
        _repeat = repeat;
        Native.mood_timer_set(Memory, after, repeat);
        GC.KeepAlive(this);
    }
}
