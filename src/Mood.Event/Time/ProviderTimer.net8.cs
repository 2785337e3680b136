#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A timer of <see cref="LoopTimeProvider"/>. Any thread says what it wants, under the gate; the loop's thread makes its
/// watcher follow, at once if it is the one that wants it. As the system's, it needs no reference while it is active.
/// <code>
/// Change:  wanted = times             ---+
/// Dispose: wanted = nothing, for ever ---+--> behind --> Follow, on the loop's thread: watcher = wanted
/// watcher fires --> callback, unless behind
/// </code>
/// </summary>
internal sealed class ProviderTimer : ITimer
{
    private readonly Gate _gate = new();
    private readonly Loop _loop;
    private readonly TimerCallback _callback;
    private readonly object? _state;
#pragma warning disable CA2213 // a captured context is nobody's to dispose
    private readonly ExecutionContext? _context = ExecutionContext.Capture();
#pragma warning restore CA2213

    // under the gate: what is wanted, since when, and whether the loop's thread still has to follow
    private TimeSpan _due = Timeout.InfiniteTimeSpan, _period = Timeout.InfiniteTimeSpan;
    private long _since;
    private bool _disposed, _behind, _posted;

    // under the gate: callbacks that are running (more than one in nested Starts), and who waits for their end
    private int _running;
    private TaskCompletionSource? _idle;

    // the loop's thread's
    private Timer? _timer;

    internal ProviderTimer(Loop loop, TimerCallback callback, object? state)
    {
        _loop = loop;
        _callback = callback;
        _state = state;
    }

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

    /// <summary>Stops it for good; a callback that is running goes on.</summary>
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

    /// <summary>The same, and ends when no callback is running any more.</summary>
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

    // The system's timers take whole milliseconds from -1, which is infinite, on. Ours are as precise as TimeSpan, but agree on
    // what is too little or too much.
    private static TimeSpan Milliseconds(TimeSpan time, string parameter)
    {
        long milliseconds = (long)time.TotalMilliseconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, -1, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, 0xfffffffe, parameter);
        return milliseconds == -1 ? Timeout.InfiniteTimeSpan : time > TimeSpan.Zero ? time : TimeSpan.Zero;
    }

    private bool Follow()
    {
        if (!Loop.IsRescheduling && _loop.TryVisit(out Loop.Claim claim))
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

        return _loop.TryPost(
            static timer =>
            {
                using (timer._gate.Enter())
                {
                    timer._posted = false;
                }

                timer.FollowHere();
            },
            this);
    }

    // on the loop's thread
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

        // a loop that is being disposed starts nothing any more
        if (due == Timeout.InfiniteTimeSpan || _loop.IsEnding)
        {
            return;
        }

        // a timer counts from the time of the iteration
        seconds = Math.Max(seconds + _loop.Lag(), 0);

        if (_timer is null)
        {
            _timer = new Timer(_loop, seconds, period.TotalSeconds, OnTimer) { KeepAlive = false };
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
#endif
