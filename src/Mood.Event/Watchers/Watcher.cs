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
public abstract class Watcher : IDisposable
{
    private WatcherHandle? _handle;

    // the loop's list of watchers that are active or pending: see Settle
    private Watcher? _previous, _next;
    private bool _rooted;

    private bool _started;
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

        StartCore();
        Settle();
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
        OnEvent((int)revents);
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

    /// <summary>
    /// An event, from native code or <see cref="Invoke"/>. Throws nothing. The native memory may be gone afterwards, and
    /// with it the loop's.
    /// </summary>
    internal void OnEvent(int revents)
    {
        if ((revents & (int)Events.Error) != 0)
        {
            OnError(revents);
        }
        else
        {
            try
            {
                Call((Events)revents);
            }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
            catch (Exception e)
#pragma warning restore CA1031
            {
                Loop.OnException(this, e, fatal: false);
            }
        }

        Settle();
    }

    /// <summary>Whether an exception that the callback threw stops the loop.</summary>
    internal bool IsFatal() => Fatal || IsCallbackFatal;

    /// <summary>The first of the loop's watchers, for the loop's own list.</summary>
    internal Watcher? Next => _next;

    private protected abstract void Call(Events revents);

    /// <summary>libev stopped the watcher with an error.</summary>
    private protected virtual void OnError(int revents) => Loop.Fail(Error.Event_Error(this, revents));

    /// <summary>The last thing that can fail in a constructor: the native watcher.</summary>
    private protected void Create(Native.Kind kind, int priority)
    {
        using Loop.Claim claim = Loop.Change();
        _handle = new WatcherHandle(Loop.Handle, kind, this);
        Memory = _handle.Pointer;

        if (priority != 0)
        {
            SetPriority(priority);
        }
    }

    /// <summary>ev_async_send on the native watcher, from any thread; false once it is disposed.</summary>
    private protected bool Send() => _handle!.Send();

    /// <summary>ev_async_pending on the native watcher, from any thread.</summary>
    private protected bool WasSent() => _handle!.Sent();

    /// <summary>Starts it natively; throws and leaves it inactive if that fails.</summary>
    private protected virtual void StartCore() => _ = Native.mood_watcher_start(Memory);

    /// <summary>It was active and is not any more, whoever stopped it.</summary>
    private protected virtual void OnStopped()
    {
    }

    /// <summary>It was started or cleared, and may have something to tell.</summary>
    private protected virtual void AfterChange()
    {
    }

    /// <summary>Stop, with the loop claimed. While the loop is closing too, but not once it is closed.</summary>
    private void StopCore()
    {
        if (Scheduler.IsRescheduling)
        {
            Error.Throw_Rescheduling();
        }

        if (Memory != 0 && !Loop.IsClosed)
        {
            Native.mood_watcher_stop(Memory);
            Settle();
            GC.KeepAlive(this);
        }
    }

    /// <summary>Checks that the watcher may be changed now, and claims its loop.</summary>
    private protected Loop.Claim Use()
    {
        Loop.Claim claim = Loop.Change();

        // only now: another thread may have disposed it a moment ago
        if (Memory == 0)
        {
            claim.Dispose();
            Error.Throw_Disposed(this);
        }

        return claim;
    }

    /// <summary>Checks that a parameter may be changed now, and claims the loop.</summary>
    private protected Loop.Claim UseSettable(string what)
    {
        Loop.Claim claim = Use();

        if (ActiveOrPending)
        {
            claim.Dispose();
            throw Error.InvalidOperation_ActiveOrPending(what);
        }

        return claim;
    }

    private protected virtual void SetPriority(int priority)
    {
        Native.mood_watcher_priority(Memory, Math.Max(Ev.MinPriority, Math.Min(Ev.MaxPriority, priority)));
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Brings the managed side in line with the native state after anything that may have changed it: the loop holds
    /// the watcher exactly while it is active or pending, and what it borrowed is given back when it is not active.
    /// </summary>
    private protected void Settle()
    {
        bool active = Active;

        if (active != _started)
        {
            _started = active;

            if (!active)
            {
                OnStopped();
            }
        }

        bool root = active || Pending;

        if (root == _rooted)
        {
            return;
        }

        _rooted = root;

        if (root)
        {
            _next = Loop.Watchers;
            Loop.Watchers = this;

            if (_next is not null)
            {
                _next._previous = this;
            }
        }
        else
        {
            if (_previous is null)
            {
                Loop.Watchers = _next;
            }
            else
            {
                _previous._next = _next;
            }

            if (_next is not null)
            {
                _next._previous = _previous;
            }

            _previous = _next = null;
        }
    }
}
