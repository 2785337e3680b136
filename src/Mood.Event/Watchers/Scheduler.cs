using System;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>
/// Calls back at times of the wall clock. A function computes each next time (ev_periodic with a reschedule callback), for
/// example the last Friday of each month, or sunrise.
/// </summary>
/// <remarks>
/// <para>
/// The reschedule function receives the scheduler and the current time, and returns the time of the next call. Both times are in
/// seconds since 1970-01-01 UTC. The loop calls the function in Start and Reset, before each call of the callback, and after the
/// wall clock was set.
/// </para>
/// <para>
/// Infinity means never. The scheduler then stays active, with <see cref="At"/> infinite, and does not keep
/// <see cref="Loop.Start"/> running. <see cref="Reset"/> asks the function again.
/// </para>
/// <para>
/// The function must only compute a time. It may read watchers and loops and set <see cref="Watcher.Data"/>. Every other change
/// of a watcher or loop throws <see cref="InvalidOperationException"/>.
/// </para>
/// <para>
/// If the function throws, or returns NaN or a time before the current time, the scheduler is stopped. The exception is treated
/// as if the callback had thrown it.
/// </para>
/// </remarks>
/// <example>Every full minute.
/// <code>loop.Scheduler((scheduler, now) => now + 60 - (now % 60), (scheduler, events) => Console.WriteLine("tick")).Start();</code>
/// </example>
public sealed class Scheduler : Watcher<Scheduler>
{
    private Func<Scheduler, double, double> _reschedule;

    // The exception of the reschedule function. Set by OnReschedule, cleared by TakeFailure.
    private Exception? _failure;

    // The value of At after Dispose. Written by Remember only.
    private double _lastAt;

    /// <summary>Creates a scheduler. It is not started.</summary>
    /// <param name="loop">The loop that the scheduler belongs to.</param>
    /// <param name="reschedule">The function that computes the time of the next call, see <see cref="Scheduler"/>.</param>
    /// <param name="callback">The callback, called when the time has come.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
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

    /// <summary>Creates a scheduler whose function computes with <see cref="DateTimeOffset"/>. It is not started.</summary>
    /// <param name="loop">The loop that the scheduler belongs to.</param>
    /// <param name="reschedule">The function that computes the time of the next call. It receives the scheduler and the current
    /// time in UTC, and returns a time at or after it, with any offset. Null means never.</param>
    /// <param name="callback">The callback, called when the time has come.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/>, <paramref name="reschedule"/> or
    /// <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    [OverloadResolutionPriority(-1)] // a lambda that only throws fits both constructors
    public Scheduler(
        Loop loop,
        Func<Scheduler, DateTimeOffset, DateTimeOffset?> reschedule,
        Action<Scheduler, Events> callback,
        object? data = null,
        int priority = 0)
        : this(loop, InSeconds(reschedule), callback, data, priority)
    {
    }

    /// <summary>
    /// The function that computes the time of the next call, see <see cref="Scheduler"/>. Setting it does not move the call at
    /// <see cref="At"/>: the new function is used after that call, or from <see cref="Reset"/> on.
    /// </summary>
    /// <exception cref="ArgumentNullException">Set to null.</exception>
    /// <exception cref="InvalidOperationException">Set on another thread while the loop runs, or in a reschedule
    /// function.</exception>
    public Func<Scheduler, double, double> Reschedule
    {
        get => _reschedule;
        set
        {
            using Loop.Claim claim = Loop.ClaimToSet();
            _reschedule = Validate.NotNull(value, nameof(value));
        }
    }

    /// <summary>
    /// The time of the next call of an active scheduler, in seconds since 1970-01-01 UTC (ev_periodic_at); infinity for never.
    /// It keeps its value when the scheduler is stopped or disposed; 0 before the first Start.
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
    /// <see cref="At"/> as a time in UTC, with the resolution of a double, about 0.25 microseconds. Null for never, before
    /// the first Start, and for a time outside the years 1 to 9999.
    /// </summary>
    public DateTimeOffset? AtTime => UnixTime.Next(At);

    /// <summary>
    /// Asks the reschedule function for the time of the next call, and starts the scheduler if it is not active
    /// (ev_periodic_again). A pending event is discarded.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The scheduler or its loop is disposed.</exception>
    public void Reset()
    {
        using Loop.Claim claim = Use();
        _failure = null;
        Hold();
        Loop.UpdateIdleTime();
        Native.mood_periodic_again(Memory);
        Reconcile();
        AfterChange();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Calls the reschedule function for libev. libev is rearranging its heap of periodics, so no watcher may change now, and the
    /// scheduler cannot be stopped. A failure is stored in _failure and makes the scheduler pending. Call then stops it.
    /// </summary>
    /// <returns>A time at or after now; infinity for never. Native code makes infinity finite for libev.</returns>
    internal double OnReschedule(double now)
    {
        int thread = Loop.EnterReschedule();
        StartContext context = StartContext.Capture();

        try
        {
            double next = _reschedule(this, now);

            if (next >= now)
            {
                return next;
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
            context.Restore();
        }

        Native.mood_watcher_feed(Memory, 0);
        return double.PositiveInfinity;
    }

    private protected override Action<Scheduler, Events>? Stored { get; set; }

    private protected override void Call(Events revents)
    {
        Exception? failure = TakeFailure();

        if (failure is null)
        {
            Stored?.Invoke(this, revents);
            return;
        }

        // OnReschedule has made the scheduler pending without an event. If the scheduler was also due, it has an event: then the callback
        // is called for the last time, before the failure is reported.
        try
        {
            if (revents != Events.None)
            {
                Stored?.Invoke(this, revents);
            }
        }
        finally
        {
            Loop.OnException(this, failure, fatal: false);
        }
    }

    private protected override void StartCore()
    {
        _failure = null; // An old failure may be left, because Stop discarded the event that would have reported it.
        Loop.UpdateIdleTime();
        base.StartCore();
    }

    /// <summary>
    /// Reports a failure in Start or Reset, and one whose event Clear has discarded. libev's heap is in order here, so the
    /// scheduler can be stopped.
    /// </summary>
    private protected override void AfterChange()
    {
        if (TakeFailure() is Exception failure)
        {
            Loop.ExtendClaim();
            using Loop.Claim itself = Loop.ClaimItself(); // a handler of CallbackException may stop the Embed of the loop
            Loop.OnException(this, failure, fatal: false);
            Loop.ThrowIfIdle();
        }
    }

    private protected override void Remember()
    {
        base.Remember();
        _lastAt = Native.mood_periodic_at(Memory);
    }

    // The conversion rounds. A time at or after the current time must not become an earlier time.
    private static Func<Scheduler, double, double> InSeconds(Func<Scheduler, DateTimeOffset, DateTimeOffset?> reschedule)
    {
        Validate.NotNull(reschedule, nameof(reschedule));
        return (scheduler, now) =>
        {
            DateTimeOffset present = UnixTime.To(now);
            return reschedule(scheduler, present) is not DateTimeOffset next ? double.PositiveInfinity
                : next >= present ? Math.Max(UnixTime.From(next), now)
                : throw Error.InvalidOperation_Rescheduled(next, present);
        };
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
