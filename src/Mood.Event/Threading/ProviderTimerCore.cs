#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// What is behind a timer of <see cref="LoopTimeProvider"/>. Any thread says what it wants, under the gate; the loop's
/// thread makes its watcher follow, at once if it is the one that wants it.
/// <code>
/// Change:  wanted = times             ---+
/// Dispose: wanted = nothing, for ever ---+--> behind --> Follow, on the loop's thread: watcher = wanted
/// watcher fires --> callback, unless behind
/// </code>
/// </summary>
#pragma warning disable CA1001 // the loop's thread disposes the watcher, which may be later
internal sealed class ProviderTimerCore
#pragma warning restore CA1001
{
    private readonly object _gate = new();
    private readonly Loop _loop;
    private readonly TimerCallback _callback;
    private readonly object? _state;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    // under the gate: what is wanted, since when, and whether the loop's thread still has to follow
    private TimeSpan _due = Timeout.InfiniteTimeSpan, _period = Timeout.InfiniteTimeSpan;
    private long _since;
    private bool _disposed, _behind, _posted;

    // under the gate: callbacks that are running (more than one in nested Starts), and who waits for their end
    private int _running;
    private TaskCompletionSource? _idle;

    // the loop's thread's
    private Timer? _timer;

    internal ProviderTimerCore(Loop loop, TimerCallback callback, object? state)
    {
        _loop = loop;
        _callback = callback;
        _state = state;
    }

    /// <summary>Stops it for good; a callback that is running goes on.</summary>
    internal void End()
    {
        lock (_gate)
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

    /// <summary>Starts it over. False: it is disposed, or its loop is.</summary>
    internal bool Change(TimeSpan due, TimeSpan period)
    {
        lock (_gate)
        {
            if (_disposed)
            {
                return false;
            }

            _due = due;
            _period = period;
            _since = _loop.TimeProvider.GetTimestamp();
            _behind = true;
        }

        return Follow();
    }

    /// <summary>Ends when no callback is running any more.</summary>
    internal ValueTask WhenIdle()
    {
        lock (_gate)
        {
            if (_running == 0)
            {
                return default;
            }

            _idle ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return new ValueTask(_idle.Task);
        }
    }

    private bool Follow()
    {
        if (!Loop.IsRescheduling && _loop.TryEnter(out Loop.Claim claim))
        {
            using (claim)
            {
                FollowHere();
                return !_loop.IsClosed;
            }
        }

        lock (_gate)
        {
            if (_posted)
            {
                return true;
            }

            _posted = true;
        }

        return _loop.TryPost(
            static core =>
            {
                lock (core._gate)
                {
                    core._posted = false;
                }

                core.FollowHere();
            },
            this);
    }

    // on the loop's thread
    private void FollowHere()
    {
        TimeSpan due, period;
        double seconds;

        lock (_gate)
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
        lock (_gate)
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
                ExecutionContext.Run(_context, static core => ((ProviderTimerCore)core!).Call(), this);
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

            lock (_gate)
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
