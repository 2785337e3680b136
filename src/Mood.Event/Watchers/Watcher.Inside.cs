using System;
using System.Runtime.CompilerServices;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>What the concrete watchers build on: making, events, and the books.</content>
public abstract partial class Watcher
{
    // in the loop's table of what it holds, or 0
    private int _slot;

    // active when Settle saw it last; then it is held too
    private bool _started;

    /// <summary>
    /// An event other than an error. What the callback throws is for OnException. The native memory may be gone afterwards,
    /// and with it the loop's.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void OnEvent(int revents)
    {
        Call((Events)revents);

        // what became active in the callback has settled there
        if (!Active)
        {
            Settle();
        }
    }

    /// <summary>OnEvent threw. Throws nothing.</summary>
    internal void OnException(Exception exception)
    {
        Loop.OnException(this, exception, fatal: false);
        Settle();
    }

    /// <summary>Any event, from wherever it comes. Throws nothing.</summary>
    internal void OnAnyEvent(int revents)
    {
        try
        {
            if ((revents & (int)Events.Error) == 0)
            {
                OnEvent(revents);
            }
            else
            {
                OnError(revents);
                Settle();
            }
        }
#pragma warning disable CA1031 // any exception: it is the loop's to decide what becomes of it
        catch (Exception e)
#pragma warning restore CA1031
        {
            OnException(e);
        }
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
        _handle = new WatcherHandle(Loop.Handle, kind);
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
        if (Loop.IsRescheduling)
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
        // active before and after, as nearly always
        if (!_started || !Active)
        {
            SettleCore();
        }
    }

    /// <summary>Has the loop hold the watcher: before native code may call it, and until Settle finds no reason to.</summary>
    private protected void Hold()
    {
        if (_slot == 0)
        {
            _slot = Loop.Watchers.Add(this);
            Native.SetId(Memory, _slot);
        }
    }

    private void SettleCore()
    {
        bool active = Active;

        if (_started && !active)
        {
            OnStopped();
        }

        _started = active;

        if (active || Pending)
        {
            Hold();
        }
        else if (_slot != 0)
        {
            Loop.Watchers.Remove(_slot);
            _slot = 0;
        }
    }
}
