using System;
using System.Collections.Generic;

namespace Mood.Event;

/// <summary>
/// Time for tests: it stands still until it is told to move. The loops that are made with it have its time, and no other
/// loop: their timers, periodics, schedulers and polling Stats, and <see cref="Loop.Now"/>. They never wait for time; io,
/// signals, children and other threads are as real as ever beside it.
/// <para>
/// It may be used from any thread. Loops that run on other threads are woken when it moves; what a callback sees is still
/// the time of its iteration.
/// </para>
/// <para>
/// Times are exact: a callback sees <see cref="Loop.Now"/> equal to the time it was due at, and a timer that repeats keeps
/// to the multiples of 100 ns (the unit of <see cref="TimeSpan"/>) that its seconds stand for: the tenth call of one of
/// 0.1 s comes at 1 s.
/// </para>
/// </summary>
public sealed class ManualClock
{
    private static readonly DateTimeOffset s_epoch = new(1970, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Gate _gate = new();
    private readonly List<WeakReference<Loop>> _loops = [];

    // Seconds since the clock was made, which nobody steps; and what the wall clock showed at their zero, in seconds since the
    // epoch as the loops need it and in ticks as DateTimeOffset does.
    private double _elapsed, _origin;
    private long _originTicks;

    /// <summary>Makes a clock that stands still.</summary>
    /// <param name="start">The time it shows; null: midnight of 2000-01-01 UTC.</param>
    public ManualClock(DateTimeOffset? start = null) =>
        SetUtcNow(start ?? new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero));

    /// <summary>The time, in seconds since 1970-01-01 UTC. Any thread.</summary>
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

    /// <summary>The time, to 100 ns. Any thread.</summary>
    public DateTimeOffset UtcNow
    {
        get
        {
            using (_gate.Enter())
            {
                // so far from zero that a double does not tell its last ticks apart
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

    // with the gate held
    private long ElapsedTicks => (long)Math.Round(_elapsed * TimeSpan.TicksPerSecond);

    /// <summary>
    /// Moves time. What fell due is called when the loops run: <c>loop.Start(RunFlags.NoWait)</c>, or <c>loop.Start()</c>,
    /// which does not wait for the rest; a loop that runs on another thread is woken. To them it is one leap: a timer that
    /// repeats is late, and not called once for each time it has missed. Any thread, in callbacks too.
    /// </summary>
    /// <param name="seconds">How far, zero or more.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN, infinite, or leads past the
    /// year 9999.</exception>
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
    public void Advance(TimeSpan time) => Advance(time.TotalSeconds);

    /// <summary>
    /// Moves time and runs the loop on the way, on this thread, without waiting: from each due time to the next, so that
    /// every callback sees <see cref="Loop.Now"/> equal to its own, in order and however many there are, those that
    /// callbacks start on the way included. Before time goes on, the loop does all it can do at once: posted work, fed
    /// events, io that is ready.
    /// <para>
    /// A callback that stops or disposes the loop ends it, and so does an exception that stops the loop, which leaves it;
    /// the clock then stands at that callback's time. Other loops with this clock see time move, and have to be run
    /// themselves.
    /// </para>
    /// </summary>
    /// <param name="loop">A loop that was made with this clock.</param>
    /// <param name="seconds">How far, zero or more.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="loop"/> was not made with this clock.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN, infinite, or leads past the
    /// year 9999.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread; or a timer that starts itself with zero
    /// seconds does not let time go on.</exception>
    public void Advance(Loop loop, double seconds)
    {
        if (Validate.NotNull(loop, nameof(loop)).Clock != this)
        {
            throw Error.Argument_OtherClock(nameof(loop));
        }

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
    public void Advance(Loop loop, TimeSpan time) => Advance(loop, time.TotalSeconds);

    /// <summary>
    /// Sets the wall clock, forward or back, as an administrator would: periodics and schedulers of its loops follow when
    /// the loops run next, timers do not. Any thread.
    /// </summary>
    /// <param name="value">What it shows from now on.</param>
    public void SetUtcNow(DateTimeOffset value)
    {
        using (_gate.Enter())
        {
            _originTicks = value.UtcTicks - ElapsedTicks;
            _origin = SecondsSinceEpoch(value) - _elapsed;
        }

        Wake();
    }

    internal static double SecondsSinceEpoch(DateTimeOffset time) =>
        (time.UtcTicks - s_epoch.UtcTicks) / (double)TimeSpan.TicksPerSecond;

    internal void Read(out double elapsed, out double origin)
    {
        using (_gate.Enter())
        {
            elapsed = _elapsed;
            origin = _origin;
        }
    }

    /// <summary>Time moves to a due time, unless it is there already.</summary>
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

    // With the gate held. Three times 0.1 is 0.3: a multiple of 100 ns is meant, within a few rounding errors (native/manual.h).
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

    // either this sees that a loop runs, or the loop sees the new time before it waits (Loop.BeSeenRunning)
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
