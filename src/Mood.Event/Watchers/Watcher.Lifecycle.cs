using System;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <content>The life of a watcher, for the classes of the kinds: creation, start, events, stop, and the record of whether it is
/// active.</content>
public abstract partial class Watcher
{
    // The watcher's slot in Loop.Watchers, or 0 while the loop does not hold it. Written by Hold and ReconcileCore only.
    private int _slot;

    // Whether the watcher was active when Reconcile ran last. While it is true, _slot is not 0. Written by ReconcileCore only.
    private bool _started;

    /// <summary>The delegate that an event calls. Null: the event calls <see cref="Call"/>. The true type of the delegate is an Action
    /// of the watcher's own type (<see cref="Watcher{TWatcher}.Stored"/>). The runtime does not check the arguments of a delegate,
    /// and the argument is this watcher. So an event needs neither a virtual call nor a cast.</summary>
    private protected Action<Watcher, Events>? Direct { get; set; }

    // The value of Priority after Dispose. Written by Remember only.
    private sbyte _lastPriority;

    /// <summary>
    /// Handles an event other than an error. An exception of the callback leaves this method, and the caller passes the exception to
    /// OnException. The callback may dispose the watcher and the loop, so their native memory may be freed when this returns.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void OnEvent(int revents)
    {
        if (Direct is Action<Watcher, Events> callback)
        {
            callback(this, (Events)revents);
        }
        else
        {
            Call((Events)revents);
        }

        // a Start in the callback has reconciled already
        if (Memory == 0 || !Native.IsActive(Memory))
        {
            Reconcile();
        }
    }

    /// <summary>Handles an exception that left OnEvent. Throws nothing.</summary>
    internal void OnException(Exception exception)
    {
        Loop.OnException(this, exception, fatal: false);
        Reconcile();
    }

    /// <summary>Handles any event, errors included. Throws nothing.</summary>
    internal void OnAnyEvent(int revents)
    {
        StartContext context = StartContext.Capture();

        try
        {
            if ((revents & (int)Events.Error) == 0)
            {
                OnEvent(revents);
            }
            else
            {
                OnError(revents);
                Reconcile();
            }
        }
#pragma warning disable CA1031 // any exception: the loop handles it
        catch (Exception e)
#pragma warning restore CA1031
        {
            OnException(e);
        }

        context.Restore();
    }

    /// <summary>Whether an exception that the callback threw stops the loop.</summary>
    internal bool IsFatal() => _fatal || FatalAttribute.IsOn(CallbackMethod);

    /// <summary>Handles an event of a watcher without <see cref="Direct"/>. The kinds that do more than call the callback override
    /// it and <see cref="Watcher{TWatcher}.Stored"/>. The others have no callback.</summary>
    private protected virtual void Call(Events revents)
    {
    }

    /// <summary>Handles an error: libev has stopped the watcher.</summary>
    private protected virtual void OnError(int revents) => Loop.Fail(Error.Event_Error(GetType().Name, revents));

    /// <summary>Creates the native watcher. A constructor calls it after everything else that can fail.</summary>
    private protected void Create(Native.Kind kind, int priority)
    {
        using Loop.Claim claim = Loop.ClaimToChange();
        Handle = new WatcherHandle(Loop.Handle, kind);
        Memory = Handle.Pointer;

        if (priority != 0)
        {
            SetPriority(priority);
        }
    }

    /// <summary>Starts the native watcher. If that fails it throws, and the watcher stays inactive.</summary>
    private protected virtual void StartCore() => _ = Native.mood_watcher_start(Memory);

    /// <summary>Called when the watcher has become inactive: by Stop, by Dispose or by libev.</summary>
    private protected virtual void OnStopped()
    {
    }

    /// <summary>Called after Start, Reset and Clear: a scheduler reports a failure of its function here.</summary>
    private protected virtual void AfterChange()
    {
    }

    /// <summary>Called by Dispose before the native memory is freed: keeps what getters return afterwards.</summary>
    private protected virtual void Remember() => _lastPriority = (sbyte)Native.Priority(Memory);

    /// <summary>Stops the watcher, whose loop is claimed. It works while the loop is closing, but not after that.</summary>
    private void StopCore()
    {
        if (Memory != 0 && !Loop.IsClosed)
        {
            Native.mood_watcher_stop(Memory);
            Reconcile();
            GC.KeepAlive(this);
        }
    }

    /// <summary>Claims the loop for changing the watcher. Throws if the watcher or the loop is disposed.</summary>
    private protected Loop.Claim Use()
    {
        Loop.Claim claim = Loop.ClaimToChange();

        // after the claim: another thread may have disposed the watcher just before it
        if (Memory == 0)
        {
            claim.Dispose();
            Error.Throw_Disposed(this);
        }

        return claim;
    }

    /// <summary>Claims the loop for changing a parameter. Throws as Use does, and if the watcher is active or pending.</summary>
    private protected Loop.Claim UseSettable(string what)
    {
        Loop.Claim claim = Use();

        if (ActiveOrPending)
        {
            claim.Dispose();
            throw Error.InvalidOperation_ActiveOrPending(GetType().Name, what);
        }

        return claim;
    }

    private protected virtual void SetPriority(int priority)
    {
        Native.mood_watcher_priority(Memory, Math.Max(Ev.MinPriority, Math.Min(Ev.MaxPriority, priority)));
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Restores two invariants after anything that may have changed the native state: the loop holds the watcher exactly while
    /// it is active or pending, and OnStopped is called once for each time the watcher became inactive.
    /// </summary>
    private protected void Reconcile()
    {
        // the common case: active before and after
        if (!_started || !Active)
        {
            ReconcileCore();
        }
    }

    /// <summary>
    /// Puts the watcher into the loop's table. This must happen before native code may report an event of the watcher. Reconcile
    /// takes it out again.
    /// </summary>
    private protected void Hold()
    {
        if (_slot == 0)
        {
            _slot = Loop.Watchers.Add(this);
            Native.SetId(Memory, _slot);
        }
    }

    /// <summary>Makes the loop's sweep check whether the handle of this Io was closed. The loop holds the watcher.</summary>
    private protected void MarkClosable() => Loop.Watchers.MarkClosable(_slot);

    private void ReconcileCore()
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
