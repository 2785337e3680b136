using System;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>What the concrete watchers build on: making, events, and the books.</content>
public abstract partial class Watcher
{
    // the loop's list of watchers that are active or pending: see Settle
    private Watcher? _previous, _next;
    private bool _rooted;

    private bool _started;

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
