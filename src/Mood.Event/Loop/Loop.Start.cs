using System;
using System.Threading;

namespace Mood.Event;

/// <content>Running and stopping.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Runs the loop on this thread: waits for events and calls the watchers (ev_run). It returns when no active watcher keeps
    /// the loop alive, or when the loop is stopped.
    /// </summary>
    /// <remarks>Start may be called in a callback. That Start is nested in the one that called the callback. On a
    /// <see cref="ManualClock"/> the loop does not wait for timers: Start returns true when only timers that are not due yet are
    /// left.</remarks>
    /// <param name="flags">Whether the loop runs to its end, which is the default, or for one iteration.</param>
    /// <returns>False if nothing keeps the loop alive any more, or the loop was disposed. True if the loop was stopped
    /// or has run its one iteration, and something still keeps it alive. Then Start may be called again.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="flags"/> is not a value of
    /// <see cref="RunFlags"/>.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    /// <exception cref="EventException">A file descriptor was closed while an Io watched it, or a system call of libev
    /// failed.</exception>
    public bool Start(RunFlags flags = RunFlags.Default)
    {
        if (flags is < RunFlags.Default or > RunFlags.Once)
        {
            throw Error.ArgumentOutOfRange_Enum(flags, nameof(flags));
        }

        if (_starts > 0)
        {
            return StartCore(flags);
        }

        // Outside the claim: a listener may dispose the loop.
        TraceStarted();

        try
        {
            return StartCore(flags);
        }
        finally
        {
            TraceStopped();
        }
    }

    private bool StartCore(RunFlags flags)
    {
        using Claim claim = ClaimToCall();
        StopRenewableWait(); // its watcher would keep this Start from returning

        // A failure ends all Starts on the stack. A callback that is still running must not begin another one.
        _failure?.Throw();

        using Claim itself = ClaimItself();
        bool more;
        _depth++;
        _starts++;
        HasReportedUnfinished = false; // the report of a Run does not name the functions that begin from now on
        BeSeenRunning();
        _gauge?.Resume();

        if (_posts.HasWork || _stops.IsAsked)
        {
            // The wake of these items may be used up: by the Start that is calling a posted action now, by a Start that failed,
            // or by an Invoke outside Start. Or the thread that posted the first item has not sent the wake yet.
            Handle.Wake();
        }

        try
        {
            int left = Native.mood_loop_run(_native, (int)flags);
            more = (left & Native.RunActive) != 0;

            if ((left & Native.RunFailed) != 0)
            {
                TakeNativeError();
            }

            Backend = (Backends)Native.mood_loop_backend(_native);
        }
        finally
        {
            _depth--;
            _starts--;
        }

        WakeIfMainEnded(); // for the Run around this Start

        if (_asyncVoidExceptions is not null && _starts == 0)
        {
            TellLastAsyncVoid();
        }

        if (_depth == 0 && _closing)
        {
            Close();
        }

        ThrowFailure();
        return more && !_closing && !IsClosed;
    }

    /// <summary>
    /// Ends Start when the callbacks of the current iteration have run (ev_break). Any thread. A Stop on another thread wakes the
    /// loop. A Stop while the loop does not run ends the next Start. On a disposed loop Stop does nothing.
    /// </summary>
    /// <remarks>Of several Stops in one iteration the strongest wins: All over One.</remarks>
    /// <param name="how">Which of the nested Starts end. The default is the innermost one.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="how"/> is not a value of <see cref="BreakHow"/>.</exception>
    /// <exception cref="InvalidOperationException">A reschedule function called it.</exception>
    public void Stop(BreakHow how = BreakHow.One)
    {
        if (how is < BreakHow.Cancel or > BreakHow.All)
        {
            throw Error.ArgumentOutOfRange_Enum(how, nameof(how));
        }

        if (IsRescheduling)
        {
            Error.Throw_Rescheduling();
        }

        Claim claim = default;

        // Only the thread inside Start may call libev's ev_break.
        if (_starts > 0 && (IsHere || (IsInside && TryTake(atHome: false, out claim, out _))))
        {
            using (claim)
            {
                Break(how);
            }
        }
        else
        {
            _stops.Ask(how);
            Handle.Wake();
        }
    }

    /// <summary>Ends all Starts, on the loop's thread. <see cref="BreakHow.Cancel"/> cannot cancel it.</summary>
    internal void StopForGood()
    {
        _stops.MakeFinal();
        Stop(BreakHow.All);
    }

    /// <summary>
    /// Calls all pending watchers (ev_invoke_pending). While the loop is inside <see cref="Callback"/>, any thread may call it.
    /// That thread is the loop's thread until Invoke returns.
    /// </summary>
    /// <remarks>While Callback itself runs the loop, in a nested <see cref="Start"/>, or in another member that calls user code, Invoke of
    /// another thread is refused.</remarks>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread and is not inside Callback, or is inside a member that
    /// Callback has called. Or another thread is inside Invoke.</exception>
    public void Invoke()
    {
        using Claim lent = ClaimLent();
        using Claim claim = ClaimToCall();
        using Claim itself = ClaimItself();
        InvokeCore();
        ThrowIfIdle(); // inside the claim: a Start on another thread must not lose its failure
    }

    /// <summary>Called by native code to have the pending watchers called. Throws nothing.</summary>
    internal void OnPending()
    {
        Action<Loop>? callback = _callback;

        if (callback is null)
        {
            Walk();
            return;
        }

        Native.mood_loop_settle(_native); // the callback may leave the pending watchers to a later Invoke

        if (CallLent(callback, this, Environment.CurrentManagedThreadId) is { } thrown)
        {
            Fail(thrown);
        }
    }

    /// <summary>Called by native code when another thread has woken the loop. Throws nothing.</summary>
    internal void OnWake()
    {
        // an Invoke outside Start leaves the Stop to the next Start
        if (_starts > 0 && _stops.TryTake(out BreakHow how))
        {
            Break(how);
        }

        if (_posts.RunAll(this) && !_closing)
        {
            Handle.Wake(); // for the next Start
        }

        if (_main?.HasEnded(_starts) == true)
        {
            Native.mood_loop_break(_native, (int)BreakHow.One);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Called when an Embed begins to run this loop.</summary>
    internal void OnEmbedded() => TellWaits();

    /// <summary>Calls OnEmbedded of each wait.</summary>
    partial void TellWaits();

    /// <summary>Stops the watcher that an ended wait keeps while its continuation runs.</summary>
    partial void StopRenewableWait();

    private void InvokeCore()
    {
        _depth++;

        try
        {
            // a failed loop calls no watchers
            if (_failure is null)
            {
                if (_starts == 0)
                {
                    _pending.Resume();
                }

                _pending.ForgetLeft();
                Walk();
                _pending.ForgetLeft(); // what a nested Start has left, this walk has called
            }
        }
        finally
        {
            _depth--;
        }

        if (_depth == 0 && _closing)
        {
            Close();
        }
    }

    // libev keeps the strongest request. A loop that fails or is being disposed ends all its Starts in any case.
    private void Break(BreakHow how)
    {
        if (!IsEnding && _failure is null && _stops.MayTell(how))
        {
            Native.mood_loop_break(_native, (int)how);
            GC.KeepAlive(this);
        }
    }
}
