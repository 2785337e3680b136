using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called at times of the wall clock that a function computes, one at a time (ev_periodic with a reschedule callback):
/// the next full minute, the last Friday of the month.
/// </summary>
public sealed class Scheduler : Watcher<Scheduler>
{
    /// <summary>A time that never comes, finite so that libev can compute with it.</summary>
    internal const double Never = 1e30;

    private Func<Scheduler, double, double> _reschedule;
    private Exception? _failure;

    /// <summary>Makes a scheduler; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="reschedule">
    /// Gets the scheduler and the time now, returns the next time to be called, now or later (infinity: never), all in
    /// seconds since the epoch. It runs at Start, at every call and when the wall clock was stepped. It must not change
    /// any watcher or loop: such a call throws <see cref="InvalidOperationException"/>. If it throws, or returns NaN or
    /// a time before now, the scheduler is stopped and the exception goes where a callback's exceptions go.
    /// </param>
    /// <param name="callback">Called when it is due.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/>, <paramref name="reschedule"/> or
    /// <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Scheduler(
        Loop loop,
        Func<Scheduler, double, double> reschedule,
        Action<Scheduler, Events> callback,
        object? data = null,
        int priority = 0)
        : base(loop, callback, data)
    {
        _reschedule = Validate.NotNull(reschedule, nameof(reschedule));
        Create(Native.Kind.Scheduler, priority);
    }

    /// <summary>The function that computes the next time. Replaced while active, it is used from the next call or
    /// <see cref="Reset"/> on.</summary>
    /// <exception cref="ArgumentNullException">Set to null.</exception>
    public Func<Scheduler, double, double> Reschedule
    {
        get => _reschedule;
        set
        {
            using Loop.Claim claim = Loop.Read();
            _reschedule = Validate.NotNull(value, nameof(value));
        }
    }

    /// <summary>When an active scheduler is called next, in seconds since the epoch (ev_periodic_at).</summary>
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

    /// <summary>Computes the time anew and starts it (ev_periodic_again); an inactive one is started.</summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();
        _failure = null;
        Hold();
        Native.mood_periodic_again(Memory);
        Settle();
        AfterChange();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// libev asks for the next time, in the middle of its heap of periodics: nothing may be changed, and the scheduler
    /// cannot be stopped now. A failure is kept, the scheduler made pending, and dealt with when it is called.
    /// </summary>
    internal double OnReschedule(double now)
    {
        int thread = Loop.EnterReschedule();

        try
        {
            double next = _reschedule(this, now);

            if (next >= now)
            {
                return Math.Min(next, Never);
            }

            _failure = Error.InvalidOperation_Rescheduled(next, now);
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            _failure = e;
        }
        finally
        {
            Loop.LeaveReschedule(thread);
        }

        Native.mood_watcher_feed(Memory, 0);
        return Never;
    }

    private protected override void Call(Events revents)
    {
        Exception? failure = TakeFailure();

        if (failure is null)
        {
            base.Call(revents);
            return;
        }

        // a failure alone makes it pending without an event; one that came with an event has its last call first
        try
        {
            if (revents != Events.None)
            {
                base.Call(revents);
            }
        }
        finally
        {
            Loop.OnException(this, failure, fatal: false);
        }
    }

    // one that Stop took back, before it was told, belongs to the past
    private protected override void StartCore()
    {
        _failure = null;
        base.StartCore();
    }

    /// <summary>
    /// A failure inside Start or Reset, or one whose event Clear took back: nothing stands in the way of stopping.
    /// </summary>
    private protected override void AfterChange()
    {
        if (TakeFailure() is Exception failure)
        {
            Loop.OnException(this, failure, fatal: false);
            Loop.ThrowIfIdle();
        }
    }

    private Exception? TakeFailure()
    {
        Exception? failure = _failure;

        if (failure is not null)
        {
            _failure = null;
            Stop();
        }

        return failure;
    }
}
