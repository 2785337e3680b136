using System;
using System.Collections.Generic;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A clock for tests. It stands still until the test moves it. The loops that are made with it use it for timers, periodics,
/// schedulers, polling Stats and <see cref="Loop.Now"/>. All members may be used from any thread.
/// </summary>
/// <remarks>
/// <para>
/// A loop on a manual clock never waits for time. Io, signals, children and other threads work as on any loop.
/// </para>
/// <para>
/// A loop that runs on another thread is woken when the clock moves. A callback that runs at this moment keeps the time of its
/// iteration: the loop takes the new time afterwards.
/// </para>
/// <para>
/// Times are exact. In a callback <see cref="Loop.Now"/> equals the time at which the callback was due. Times are rounded to
/// multiples of 100 ns, the unit of <see cref="TimeSpan"/>, so that the tenth call of a timer of 0.1 s comes at 1 s.
/// </para>
/// </remarks>
// Loop.RunTo in Loop/Loop.Clock.cs steps from due time to due time. native/libev/manual.c gives a loop the time of its clock.
public sealed class ManualClock
{
    private readonly Gate _gate = new();
    private readonly List<WeakReference<Loop>> _loops = [];

    // Used inside the gate. _elapsed: the seconds since the clock was made, which SetUtcNow does not change. _origin: the
    // wall-clock time at _elapsed 0, in seconds since the epoch, for the loops. _originTicks: the same in ticks, for
    // DateTimeOffset.
    private double _elapsed, _origin;
    private long _originTicks;

    /// <summary>Makes a clock.</summary>
    /// <param name="start">The time at first. Null: 2000-01-01 00:00 UTC.</param>
    public ManualClock(DateTimeOffset? start = null) =>
        SetUtcNow(start ?? new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The time, in seconds since 1970-01-01 UTC.</summary>
    public double Now
    {
        get
        {
            using (_gate.Enter())
            {
                return _origin + _elapsed;
            }
        }
    }

    /// <summary>The time, with a resolution of 100 ns.</summary>
    public DateTimeOffset UtcNow
    {
        get
        {
            using (_gate.Enter())
            {
                // A large double is not exact to the tick, so the sum may leave the range.
                long ticks = Math.Max(0, Math.Min(DateTimeOffset.MaxValue.UtcTicks, _originTicks + ElapsedTicks));
                return new DateTimeOffset(ticks, TimeSpan.Zero);
            }
        }
    }

    /// <summary>Seconds since the clock was made.</summary>
    internal double Elapsed
    {
        get
        {
            using (_gate.Enter())
            {
                return _elapsed;
            }
        }
    }

    // Must be called inside the gate.
    private long ElapsedTicks => (long)Math.Round(_elapsed * TimeSpan.TicksPerSecond);

    /// <summary>
    /// Moves time in one step. The callbacks of due watchers run when their loops run: in <c>loop.Start(RunFlags.NoWait)</c> or
    /// <c>loop.Start()</c>. A loop that runs on another thread is woken.
    /// </summary>
    /// <remarks>A repeating timer is called once, even if the step passes several of its due times. To run a loop from one due time
    /// to the next, use <see cref="Advance(Loop, double)"/> or <see cref="AdvanceAsync(Loop, double)"/>.</remarks>
    /// <param name="seconds">How far, in seconds, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN or infinite, or the time would be
    /// later than the year 9999.</exception>
    public void Advance(double seconds)
    {
        Validate.NotNegative(seconds, nameof(seconds));

        using (_gate.Enter())
        {
            _elapsed = After(seconds, nameof(seconds));
        }

        Wake();
    }

    /// <inheritdoc cref="Advance(double)"/>
    /// <param name="time">How far, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative or infinite, or the time would be later
    /// than the year 9999.</exception>
    public void Advance(TimeSpan time) => Advance(Validate.Time(time, nameof(time)));

    /// <summary>
    /// Moves time and runs the loop on this thread, without waiting: time moves from one due time to the next, and in every
    /// callback <see cref="Loop.Now"/> equals the time at which the callback was due. This includes timers that callbacks start meanwhile.
    /// </summary>
    /// <remarks>
    /// <para>
    /// At each due time, the loop first does everything that it can do without waiting: posted actions, fed events, io that is ready.
    /// </para>
    /// <para>
    /// A callback that stops or disposes the loop ends Advance. An exception that stops the loop ends it too, and Advance throws it.
    /// The clock then stands at the time of that callback. If the callback calls Advance itself after <c>Stop(BreakHow.All)</c>, that Advance
    /// ends at once, and time does not move. Other loops on this clock are woken, but not run.
    /// </para>
    /// </remarks>
    /// <param name="loop">A loop that was made with this clock.</param>
    /// <param name="seconds">How far, in seconds, zero or more.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="loop"/> was not made with this clock.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN or infinite, or the time would be
    /// later than the year 9999.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread (use
    /// <see cref="AdvanceAsync(Loop, double)"/>), or a timer always starts itself again with zero seconds, so that time cannot
    /// move.</exception>
    public void Advance(Loop loop, double seconds)
    {
        CheckOwn(Validate.NotNull(loop, nameof(loop)));
        Validate.NotNegative(seconds, nameof(seconds));
        double end;

        using (_gate.Enter())
        {
            end = After(seconds, nameof(seconds));
        }

        loop.RunTo(end);
    }

    /// <inheritdoc cref="Advance(Loop, double)"/>
    /// <param name="loop">A loop that was made with this clock.</param>
    /// <param name="time">How far, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative or infinite, or the time would be later
    /// than the year 9999.</exception>
    public void Advance(Loop loop, TimeSpan time) => Advance(loop, Validate.Time(time, nameof(time)));

    /// <summary>
    /// Moves time and runs the loop at each due time, like <see cref="Advance(Loop, double)"/>, but on the thread that runs the loop. It is
    /// meant for the loop of a <see cref="LoopThread"/>. May be called from any thread.
    /// </summary>
    /// <remarks>If no thread runs the loop, and the calling thread was the last one that ran it, this call runs the loop itself.
    /// Otherwise the task waits until the loop runs.</remarks>
    /// <param name="loop">A loop that was made with this clock.</param>
    /// <param name="seconds">How far, in seconds, zero or more.</param>
    /// <returns>A task that ends when everything that was due has run, and time has moved. It fails with an exception that stops
    /// the loop, and with an <see cref="ObjectDisposedException"/> if the loop is disposed.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="loop"/> was not made with this clock.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN or infinite.</exception>
    public Task AdvanceAsync(Loop loop, double seconds)
    {
        Validate.NotNull(loop, nameof(loop));
        CheckOwn(loop);
        Validate.NotNegative(seconds, nameof(seconds));

        if (loop.IsRunning || !loop.TryClaimToCall(out Loop.Claim claim, out Loop.Claim itself))
        {
            return loop.InvokeAsync(() => Advance(loop, seconds));
        }

        // This thread ran the loop last, so it would wait for itself if it posted.
        using (claim)
        using (itself)
        {
            try
            {
                Advance(loop, seconds);
                return Task.CompletedTask;
            }
#pragma warning disable CA1031 // any exception: the task fails with it
            catch (Exception e)
#pragma warning restore CA1031
            {
                return Task.FromException(e);
            }
        }
    }

    /// <inheritdoc cref="AdvanceAsync(Loop, double)"/>
    /// <param name="loop">A loop that was made with this clock.</param>
    /// <param name="time">How far, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is negative.</exception>
    public Task AdvanceAsync(Loop loop, TimeSpan time) => AdvanceAsync(loop, Validate.Time(time, nameof(time)));

    /// <summary>
    /// Sets the wall clock, forward or back. Periodics and schedulers use the new time when their loops next run. Timers are not
    /// affected, because they count on the monotonic clock.
    /// </summary>
    /// <param name="value">The new time.</param>
    public void SetUtcNow(DateTimeOffset value)
    {
        using (_gate.Enter())
        {
            _originTicks = value.UtcTicks - ElapsedTicks;
            _origin = UnixTime.From(value) - _elapsed;
        }

        Wake();
    }

    internal void Read(out double elapsed, out double origin)
    {
        using (_gate.Enter())
        {
            elapsed = _elapsed;
            origin = _origin;
        }
    }

    /// <summary>Moves time forward to a due time. Never moves it back.</summary>
    internal void MoveTo(double elapsed)
    {
        using (_gate.Enter())
        {
            if (elapsed <= _elapsed)
            {
                return;
            }

            _elapsed = elapsed;
        }

        Wake();
    }

    internal void Add(Loop loop)
    {
        using (_gate.Enter())
        {
            _loops.RemoveAll(l => !l.TryGetTarget(out _));
            _loops.Add(new WeakReference<Loop>(loop));
        }
    }

    internal void Remove(Loop loop)
    {
        using (_gate.Enter())
        {
            _loops.RemoveAll(l => !l.TryGetTarget(out Loop? other) || other == loop);
        }
    }

    private void CheckOwn(Loop loop)
    {
        if (loop.Clock != this)
        {
            throw Error.Argument_OtherClock(nameof(loop));
        }
    }

    // Must be called inside the gate. A sum within a few rounding errors of a multiple of 100 ns is rounded to it, so that three
    // steps of 0.1 lead to 0.3 (see native/libev/manual.c).
    private double After(double seconds, string parameter)
    {
        double elapsed = _elapsed + seconds;

        if (elapsed * TimeSpan.TicksPerSecond > DateTimeOffset.MaxValue.UtcTicks - Math.Max(_originTicks, 0))
        {
            throw Error.ArgumentOutOfRange_Future(seconds, parameter);
        }

        double rounded = Math.Round(elapsed * TimeSpan.TicksPerSecond) / TimeSpan.TicksPerSecond;
        return Math.Abs(rounded - elapsed) <= elapsed * 4e-15 ? rounded : elapsed;
    }

    // Either this thread sees that a loop runs, or the loop sees the new time before it waits (Loop.BeSeenRunning).
    private void Wake()
    {
        List<Loop>? waiting = null;

        using (_gate.Enter())
        {
            foreach (WeakReference<Loop> weak in _loops)
            {
                if (weak.TryGetTarget(out Loop? loop) && loop.MayWait)
                {
                    (waiting ??= []).Add(loop);
                }
            }
        }

        waiting?.ForEach(loop => loop.Handle.Wake());
    }
}
