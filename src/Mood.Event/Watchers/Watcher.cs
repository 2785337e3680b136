using System;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// What all watchers have in common. A watcher belongs to one loop for life; started, it is active until it is stopped
/// (or libev stops it: a timer that does not repeat); with an event that its callback has not seen yet, it is pending.
/// <para>
/// An active or pending watcher is held by its loop and needs no other reference. While the loop runs, every member but
/// <see cref="Loop"/> and <see cref="Data"/> throws <see cref="InvalidOperationException"/> on any other thread.
/// </para>
/// </summary>
public abstract partial class Watcher : IDisposable
{
    private WatcherHandle? _handle;

    private bool _background;

    /// <summary>Nothing native yet: the concrete watcher checks its own arguments first, then calls Create.</summary>
    private protected Watcher(Loop loop, object? data)
    {
        Loop = Validate.NotNull(loop, nameof(loop));
        Data = data;
    }

    /// <summary>The loop this watcher was made for.</summary>
    public Loop Loop { get; }

    /// <summary>Anything the program wants to find again in the callback.</summary>
    public object? Data { get; set; }

    /// <summary>
    /// Which of several pending watchers is called first: from -2 (<see cref="Ev.MinPriority"/>) to 2
    /// (<see cref="Ev.MaxPriority"/>); other values are clamped. Idle watchers run only while nothing of their priority
    /// or above is pending. Child watchers always have the highest.
    /// </summary>
    /// <exception cref="InvalidOperationException">Set while active or pending.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public int Priority
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
            int priority = Memory == 0 ? 0 : Native.Priority(Memory);
            GC.KeepAlive(this);
            return priority;
        }

        set
        {
            using Loop.Claim claim = UseSettable(nameof(Priority));
            SetPriority(value);
        }
    }

    /// <summary>Whether the watcher is started (ev_is_active).</summary>
    public bool IsActive
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
            return Active;
        }
    }

    /// <summary>Whether it has an event that its callback has not seen yet (ev_is_pending).</summary>
    public bool IsPending
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
            return Pending;
        }
    }

    /// <summary>
    /// Whether the active watcher keeps <see cref="Loop.Start"/> from returning. True at first. May be changed at any
    /// time; the library keeps the loop's reference count right (ev_ref, ev_unref).
    /// </summary>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public bool KeepAlive
    {
        get
        {
            using Loop.Claim claim = Loop.Read();
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
    /// Whether an exception in the callback stops the loop and leaves <see cref="Loop.Start"/>, instead of going to
    /// <see cref="Loop.CallbackException"/>. <see cref="FatalAttribute"/> says the same of one callback.
    /// </summary>
    public bool Fatal { get; set; }

    /// <summary>Whether any state of the watcher says that its parameters are in use.</summary>
    internal bool ActiveOrPending => Active || Pending;

    /// <summary>The mood_watcher; 0 once disposed.</summary>
    private protected nint Memory { get; private set; }

    // GC.KeepAlive, here and after every native call: the memory must not be finalized while it is being looked at
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

    /// <summary>Whether the current callback carries <see cref="FatalAttribute"/>.</summary>
    private protected abstract bool IsCallbackFatal { get; }

    /// <summary>Starts watching. On an active watcher it does nothing.</summary>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    /// <exception cref="EventException">Io: the fd was closed meanwhile. Signal: another loop has it. Child: not the
    /// default loop. Embed: a cycle, or the other loop is embedded already.</exception>
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
            Settle();
        }

        AfterChange();
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Stops watching and forgets a pending event. On an inactive or disposed watcher it does nothing.
    /// </summary>
    public void Stop()
    {
        if (Memory == 0)
        {
            return;
        }

        using Loop.Claim claim = Loop.Read();
        StopCore();
    }

    /// <summary>
    /// Calls the callback now, on this stack, active or not (ev_invoke). Its exceptions go where they go when the loop
    /// calls it; one that stops the loop leaves Invoke if the loop is not running.
    /// </summary>
    /// <param name="revents">Passed to the callback.</param>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Invoke(Events revents)
    {
        using Loop.Claim claim = Use();
        OnAnyEvent((int)revents);
        Loop.ThrowIfIdle();
    }

    /// <summary>
    /// Makes the watcher pending, active or not: its callback is called as if the event had happened (ev_feed_event).
    /// Fed again before that, the events are united.
    /// </summary>
    /// <param name="revents">Passed to the callback.</param>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Feed(Events revents)
    {
        using Loop.Claim claim = Use();
        Hold();
        Native.mood_watcher_feed(Memory, (int)revents);
        Settle();
        GC.KeepAlive(this);
    }

    /// <summary>Takes back a pending event (ev_clear_pending): the callback is not called.</summary>
    /// <returns>The events it had, or <see cref="Events.None"/>.</returns>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public Events Clear()
    {
        using Loop.Claim claim = Use();
        var revents = (Events)Native.mood_watcher_clear(Memory);
        Settle();
        AfterChange();
        GC.KeepAlive(this);
        return revents;
    }

    /// <summary>Stops the watcher and frees it. Twice is fine, and so is in its own callback.</summary>
    public void Dispose()
    {
        if (Memory == 0)
        {
            return;
        }

        using Loop.Claim claim = Loop.Read();
        StopCore();
        Memory = 0;
        _handle!.Dispose();
        GC.SuppressFinalize(this);
    }
}
