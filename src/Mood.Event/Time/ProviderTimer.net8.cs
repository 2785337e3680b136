using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A timer of <see cref="LoopTimeProvider"/>. Any thread sets the wanted times, inside the gate. The loop's thread then changes
/// the watcher, at once if it is the calling thread. An active timer is not collected even if the program holds no reference to
/// it, as with the timers of TimeProvider.System. If .NET waits for this timer when the loop is disposed, the wait is ended: see
/// <see cref="OrphanedWait"/>.
/// <code>
/// Change:  wanted = times             ---+
/// Dispose: wanted = nothing, for ever ---+--> behind --> Follow, on the loop's thread: watcher = wanted
/// watcher fires --> callback, unless behind
/// Dispose of the loop --> OrphanedWait.End
/// </code>
/// </summary>
internal sealed class ProviderTimer : Wait, ITimer
{
    private readonly Gate _gate = new();
    private readonly Loop _loop;
    private readonly TimerCallback _callback;
    private readonly object? _state;
#pragma warning disable CA2213 // a captured context has no owner that disposes it
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
#pragma warning restore CA2213

    // The next three lines are used inside the gate. First the wanted times, and the timestamp at which they were set. _behind: the
    // watcher does not have them yet. _posted: a FollowPosted is in the loop's queue.
    private TimeSpan _due = Timeout.InfiniteTimeSpan, _period = Timeout.InfiniteTimeSpan;
    private long _since;
    private bool _disposed, _behind, _posted;

    // Used inside the gate: the number of running callbacks (more than one in nested Starts), and the task of a DisposeAsync that
    // waits for their end, or null.
    private int _running;
    private TaskCompletionSource? _idle;

    // Used by the loop's thread only.
    private Timer? _timer;

    internal ProviderTimer(Loop loop, TimerCallback callback, object? state)
    {
        _loop = loop;
        _callback = callback;
        _state = state;
        Waiter = callback;
    }

    /// <inheritdoc/>
    internal override string Purpose => MethodName.OfWaiter(_callback) ?? _state switch
    {
        CancellationTokenSource => "cancels a CancellationTokenSource",
        Task => "ends a Task.Delay or WaitAsync",
        not null when _state.GetType().DeclaringType == typeof(PeriodicTimer) => "wakes a PeriodicTimer",
        _ => MethodName.Of(_callback.Method),
    };

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        TimeSpan due = Milliseconds(dueTime, nameof(dueTime)), repeat = Milliseconds(period, nameof(period));

        using (_gate.Enter())
        {
            if (_disposed)
            {
                return false;
            }

            _due = due;
            _period = repeat;
            _since = _loop.TimeProvider.GetTimestamp();
            _behind = true;
        }

        return Follow();
    }

    /// <summary>Stops the timer for ever. A running callback continues.</summary>
    public void Dispose()
    {
        using (_gate.Enter())
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _behind = true;
        }

        Follow();
    }

    /// <summary>Stops the timer for ever. Ends when no callback is running.</summary>
    public ValueTask DisposeAsync()
    {
        Dispose();

        using (_gate.Enter())
        {
            if (_running == 0)
            {
                return default;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_idle.Task);
        }
    }

    /// <inheritdoc/>
    internal override void Free()
    {
        // only pools call it
    }

    /// <inheritdoc/>
    internal override bool TryStop()
    {
        using (_gate.Enter())
        {
            return !_disposed && (_due != Timeout.InfiniteTimeSpan || _period != Timeout.InfiniteTimeSpan);
        }
    }

    /// <inheritdoc/>
    internal override void EndStopped(Exception exception)
    {
        try
        {
            OrphanedWait.End(_loop, _callback, _state, exception);
        }
#pragma warning disable CA1031 // any exception: a continuation threw it, or a source is disposed, and the Dispose of the loop must go on
        catch (Exception e)
#pragma warning restore CA1031
        {
            _loop.Report(e);
        }
    }

    // A timer of the system takes whole milliseconds, and -1 for an infinite time. This one is as precise as TimeSpan, but has the
    // same minimum and maximum.
    private static TimeSpan Milliseconds(TimeSpan time, string parameter)
    {
        long milliseconds = (long)time.TotalMilliseconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, -1, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, 0xfffffffe, parameter);
        return milliseconds == -1 ? Timeout.InfiniteTimeSpan : time > TimeSpan.Zero ? time : TimeSpan.Zero;
    }

    private bool Follow()
    {
        if (!Loop.IsRescheduling && _loop.TryClaim(out Loop.Claim claim))
        {
            using (claim)
            {
                FollowHere();
                return !_loop.IsClosed;
            }
        }

        using (_gate.Enter())
        {
            if (_posted)
            {
                return true;
            }

            _posted = true;
        }

        if (_loop.TryPost(static timer => timer.FollowPosted(), this))
        {
            return true;
        }

        using (_gate.Enter())
        {
            _posted = false; // nothing was posted, so the next Change must post again
        }

        return false;
    }

    private void FollowPosted()
    {
        using (_gate.Enter())
        {
            _posted = false;
        }

        FollowHere();
    }

    // Gives the watcher the wanted times. Loop's thread.
    private void FollowHere()
    {
        TimeSpan due, period;
        double seconds;

        using (_gate.Enter())
        {
            if (!_behind)
            {
                return;
            }

            _behind = false;
            due = _disposed ? Timeout.InfiniteTimeSpan : _due;
            period = _period == Timeout.InfiniteTimeSpan ? TimeSpan.Zero : _period;
            seconds = (due - _loop.TimeProvider.GetElapsedTime(_since)).TotalSeconds;

            if (_disposed)
            {
                _timer?.Dispose();
                _timer = null;
                return;
            }
        }

        _timer?.Stop();

        if (due == Timeout.InfiniteTimeSpan)
        {
            return;
        }

        // A loop that is being disposed can start no watcher.
        if (_loop.IsEnding)
        {
            _loop.ExtendClaim(); // a continuation is user code
            Fail(Error.ObjectDisposed(_loop));
            return;
        }

        // The watcher counts from the time of the iteration, which is earlier than the present.
        seconds = Math.Max(seconds + _loop.Lag(), 0);

        if (_timer is null)
        {
            _timer = new Timer(_loop, seconds, period.TotalSeconds, OnTimer) { KeepAlive = false, Wait = this };
        }
        else
        {
            _timer.Set(seconds, period.TotalSeconds);
        }

        _timer.Start();
    }

    private void OnTimer(Timer timer, Events events)
    {
        using (_gate.Enter())
        {
            if (_behind)
            {
                return;
            }

            _running++;
        }

        try
        {
            if (_context is null)
            {
                _callback(_state);
            }
            else
            {
                ExecutionContext.Run(_context, static timer => ((ProviderTimer)timer!).Call(), this);
            }
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            _loop.OnPostedException(_callback, e);
        }
        finally
        {
            TaskCompletionSource? idle;

            using (_gate.Enter())
            {
                idle = --_running == 0 ? _idle : null;
                _idle = _running == 0 ? null : _idle;
            }

            idle?.SetResult();
        }
    }

    private void Call() => _callback(_state);
}
