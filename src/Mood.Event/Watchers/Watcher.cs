using System;
using System.Reflection;

namespace Mood.Event;

/// <summary>
/// The base class of all watchers. A watcher watches for one kind of event and calls its callback on the thread that runs its
/// loop.
/// </summary>
/// <remarks>
/// <para>
/// A watcher belongs to one loop. After <see cref="Start"/> it is <i>active</i> until it is stopped: by <see cref="Stop"/>, or
/// by libev, which stops a timer that does not repeat. It is <i>pending</i> while it has an event that its callback has not
/// received yet.
/// </para>
/// <para>
/// The loop holds a reference to an active or pending watcher, so the program need not hold one.
/// </para>
/// <para>
/// While the loop runs, only its own thread may use a watcher. On other threads every member throws
/// <see cref="InvalidOperationException"/>, except <see cref="Loop"/>, <see cref="Data"/>, the getter of Callback, and the
/// members of <see cref="Async"/> that say otherwise.
/// </para>
/// </remarks>
public abstract partial class Watcher : IDisposable
{
    // Both are written on the thread that has claimed the loop.
    private bool _background; // KeepAlive is false. mood_watcher_settle in native/watcher.c counts the references on the loop.
    private bool _fatal;

    /// <summary>Does not create the native watcher. The derived class checks its own arguments and then calls Create.</summary>
    private protected Watcher(Loop loop, object? data)
    {
        Loop = Validate.NotNull(loop, nameof(loop));
        Data = data;
    }

    /// <summary>The loop that the watcher belongs to.</summary>
    public Loop Loop { get; }

    /// <summary>An object of the program's choice, for use in the callback. The library does not use it. Any thread.</summary>
    public object? Data { get; set; }

    /// <summary>
    /// The order among pending watchers: those with a higher priority are called first. The range is
    /// -2 (<see cref="Ev.MinPriority"/>) to 2 (<see cref="Ev.MaxPriority"/>). Other values are clamped. The default is 0. After
    /// Dispose it keeps its value.
    /// </summary>
    /// <remarks>
    /// An <see cref="Idle"/> is called only while no watcher of its own or a higher priority is pending. A
    /// <see cref="Child"/> always has the highest priority.
    /// </remarks>
    /// <exception cref="InvalidOperationException">Set while the watcher is active or pending.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public int Priority
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            int priority = Memory == 0 ? _lastPriority : Native.Priority(Memory);
            GC.KeepAlive(this);
            return priority;
        }

        set
        {
            using Loop.Claim claim = UseSettable(nameof(Priority));
            SetPriority(value); // clamps it
        }
    }

    /// <summary>Whether the watcher is started and not stopped (ev_is_active). False after Dispose.</summary>
    public bool IsActive
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            return Active;
        }
    }

    /// <summary>
    /// Whether the watcher has an event that its callback has not received yet (ev_is_pending). False after Dispose.
    /// </summary>
    public bool IsPending
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            return Pending;
        }
    }

    /// <summary>
    /// Whether <see cref="Loop.Start"/> keeps running while the watcher is active. True by default. It may be changed at any
    /// time.
    /// </summary>
    /// <remarks>
    /// In libev a program calls ev_unref and ev_ref for this. Here the library calls them, even when libev stops the watcher.
    /// A <see cref="Scheduler"/> that is never due does not keep Start running, whatever its KeepAlive says.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public bool KeepAlive
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            return !_background;
        }

        set
        {
            using Loop.Claim claim = Use();
            _background = !value;
            Native.mood_watcher_keepalive(Memory, value ? 1 : 0);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// Whether an exception of the callback stops the loop and leaves <see cref="Loop.Start"/>. False by default: the
    /// exception goes to <see cref="Loop.CallbackException"/>, and the loop continues. <see cref="FatalAttribute"/> marks a
    /// single callback.
    /// </summary>
    public bool Fatal
    {
        get
        {
            using Loop.Claim claim = Loop.ClaimToRead();
            return _fatal;
        }

        set
        {
            using Loop.Claim claim = Loop.ClaimToSet();
            _fatal = value;
        }
    }

    /// <summary>Whether the parameters are in use and must not change.</summary>
    internal bool ActiveOrPending => Active || Pending;

    /// <summary>The owner of the native watcher. Set once by Create, also valid after Dispose.</summary>
    private protected WatcherHandle Handle { get; private set; } = null!;

    /// <summary>
    /// The native watcher (mood_watcher); 0 after Dispose, and 0 in a constructor until Create. Written on the thread that has
    /// claimed the loop.
    /// </summary>
    private protected nint Memory { get; private set; }

    // GC.KeepAlive follows every native call, here and elsewhere: the finalizer must not free the memory during the call.
    private protected bool Active
    {
        get
        {
            bool active = Memory != 0 && Native.IsActive(Memory);
            GC.KeepAlive(this);
            return active;
        }
    }

    private protected bool Pending
    {
        get
        {
            bool pending = Memory != 0 && Native.IsPending(Memory);
            GC.KeepAlive(this);
            return pending;
        }
    }

    /// <summary>The method of the callback. It uses reflection, which is slow, so it is read only after an exception.</summary>
    internal abstract MethodInfo? CallbackMethod { get; }

    /// <summary>Starts watching. Start of an active watcher does nothing.</summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    /// <exception cref="EventException">
    /// <see cref="Io"/>: the file descriptor is not open any more. <see cref="Signal"/>: another loop watches the signal.
    /// <see cref="Embed"/>: the other loop is embedded already, or embeds this one.
    /// </exception>
    public void Start()
    {
        using Loop.Claim claim = Use();

        if (Active)
        {
            return;
        }

        Hold();

        try
        {
            StartCore();
        }
        finally
        {
            Reconcile();
        }

        AfterChange();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Stops watching and discards a pending event. Stop of an inactive or disposed watcher does nothing.
    /// </summary>
    public void Stop()
    {
        if (Memory == 0)
        {
            return;
        }

        using Loop.Claim claim = Loop.ClaimToSet();
        StopCore();
    }

    /// <summary>
    /// Calls the callback at once, before Invoke returns (ev_invoke). The watcher need not be active, and its state does not
    /// change.
    /// </summary>
    /// <remarks>
    /// An exception of the callback is handled as if the loop had called it. If the loop is not running, an
    /// exception that would stop it leaves Invoke.
    /// </remarks>
    /// <param name="revents">The events that the callback receives.</param>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Invoke(Events revents)
    {
        using Loop.Claim claim = Use();
        Loop.ExtendClaim(); // for the callback
        using Loop.Claim itself = Loop.ClaimItself();
        OnAnyEvent((int)revents);
        Loop.ThrowIfIdle();
    }

    /// <summary>
    /// Makes the watcher pending, as if the events had happened (ev_feed_event). The loop calls the callback
    /// together with those of the other pending watchers. The watcher need not be active.
    /// </summary>
    /// <remarks>Several Feeds before the callback runs cause one call with all their events.</remarks>
    /// <param name="revents">The events that the callback receives.</param>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Feed(Events revents)
    {
        using Loop.Claim claim = Use();
        Hold();
        Native.mood_watcher_feed(Memory, (int)revents);
        Reconcile();
        GC.KeepAlive(this);
    }

    /// <summary>Discards the watcher's pending events, so that the callback is not called for them (ev_clear_pending).</summary>
    /// <returns>The discarded events; <see cref="Events.None"/> if the watcher was not pending.</returns>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public Events Clear()
    {
        using Loop.Claim claim = Use();
        var revents = (Events)Native.mood_watcher_clear(Memory);
        Reconcile();
        AfterChange();
        GC.KeepAlive(this);
        return revents;
    }

    /// <summary>
    /// Stops the watcher and frees its native memory. It may be called in the watcher's own callback, and more than once.
    /// </summary>
    public void Dispose()
    {
        if (Memory == 0)
        {
            return;
        }

        using Loop.Claim claim = Loop.ClaimToSet();

        // another thread may have disposed it just before the claim
        if (Memory != 0)
        {
            StopCore();
            Remember();
            Memory = 0;
            Handle.Dispose();
        }

        GC.SuppressFinalize(this);
    }
}
