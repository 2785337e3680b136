using System;
using System.Threading;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>Running and stopping.</content>
public sealed partial class Loop
{
    private const int NoStop = -1;

    // Starts and Invokes on the stack: native code that needs the native loop when its callbacks have returned
    private int _depth;

    // Starts alone
    private int _starts;

    // the thread inside Loop.Callback, while it has an Invoke to give away; negative while another thread has it; else 0
    private int _lender;

    // Dispose was called in a callback: the outermost Start will do it
    private bool _closing;

    // a Stop that another thread asked for and the loop has not seen yet
    private int _stop = NoStop;

    /// <summary>
    /// Runs the loop on this thread: waits for events and calls the watchers (ev_run). On a <see cref="ManualClock"/> it waits
    /// only for what comes by itself, like io, and returns true once nothing but timers of the future is left.
    /// </summary>
    /// <param name="flags">How long.</param>
    /// <returns>False: no active watcher is left that keeps the loop alive, or it was disposed. True: call again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    /// <exception cref="EventException">An fd was closed under its Io, or libev met an error of the system.</exception>
    public bool Start(RunFlags flags = RunFlags.Default)
    {
        if (flags is < RunFlags.Default or > RunFlags.Once)
        {
            throw Error.ArgumentOutOfRange_Enum(flags, nameof(flags));
        }

        using Claim claim = Change();

        // a failed loop ends all its Starts: it does not begin another one on the way
        _failure?.Throw();

        int thread = Environment.CurrentManagedThreadId;
        int before = Volatile.Read(ref _runner);

        // embedded just now, by another thread than the one that runs it
        if (before != 0 && before != thread)
        {
            Error.Throw_WrongThread(before);
        }

        bool more;
        t_thread = thread;
        _home = thread;
        Volatile.Write(ref _runner, thread);
        _depth++;
        _starts++;
        BeSeenRunning();

        if (_posts.HasWork)
        {
            // Called by what was posted, or after a failure: what comes behind that runs in here. Or the thread that posted
            // first has not come to waking the loop yet, and a later one is here already.
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
            Volatile.Write(ref _runner, before);
        }

        WakeIfMainEnded(); // the Run around this Start

        if (_depth == 0 && _closing)
        {
            Close();
        }

        ThrowFailure();
        return more && !_closing && !IsClosed;
    }

    /// <summary>
    /// Ends Start after the callback that is running (ev_break). Any thread: from another one it wakes the loop, and
    /// while the loop does not run, it ends the next Start. On a disposed loop it does nothing.
    /// </summary>
    /// <param name="how">Which Starts.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
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

        // only the thread inside Start may tell libev by itself
        if (_starts == 0 || !IsHere)
        {
            AskToStop((int)how);
        }
        else if (!IsClosed && !_closing && _failure is null)
        {
            CountStop((int)how);
            Native.mood_loop_break(_native, (int)how);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// Calls all pending watchers (ev_invoke_pending). While the loop is inside <see cref="Callback"/>, any thread may,
    /// and then is the loop's thread until Invoke returns.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread and is not inside Callback, or another
    /// thread was first.</exception>
    public void Invoke()
    {
        int thread = Environment.CurrentManagedThreadId;
        int lender = TakeInvoke(thread);
        Loop[] lent = lender == 0 || lender == thread ? [] : Lend(lender, thread);

        try
        {
            using Claim claim = Change();
            InvokeCore();
        }
        finally
        {
            foreach (Loop loop in lent)
            {
                Volatile.Write(ref loop._runner, lender);
            }

            if (lender != 0)
            {
                Volatile.Write(ref _lender, lender); // last: OnPending takes it for the loop being back
            }
        }

        ThrowIfIdle();
    }

    /// <summary>Native code wants the pending watchers invoked. Throws nothing.</summary>
    internal void OnPending()
    {
        Action<Loop>? callback = _callback;

        if (callback is null)
        {
            _pending.Invoke();
            return;
        }

        Native.mood_loop_settle(_native); // the callback may put off what is pending
        int thread = Environment.CurrentManagedThreadId;
        int before = Interlocked.Exchange(ref _lender, thread);

        try
        {
            callback(this);
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
        finally
        {
            // a Callback that did not wait for the thread it gave the Invoke to waits here
            var wait = default(QuietWait);

            while (Interlocked.CompareExchange(ref _lender, before, thread) != thread)
            {
                wait.SpinOnce();
            }

            wait.End();
        }
    }

    /// <summary>Another thread has woken the loop. Throws nothing.</summary>
    internal void OnWake()
    {
        int how = Interlocked.Exchange(ref _stop, NoStop);

        if (how != NoStop)
        {
            CountStop(how);
            Native.mood_loop_break(_native, how);
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

    // Loop.Callback has one Invoke at a time to give away, to whichever thread asks first, be it its own. The result is the
    // thread to give it back to, or 0.
    private int TakeInvoke(int thread)
    {
        int lender;

        do
        {
            lender = Volatile.Read(ref _lender);

            // the other thread may have it for so short a time that it is not the loop's yet
            if (lender == -thread)
            {
                throw Error.InvalidOperation_Lent();
            }
        }
        while (lender > 0
            && Interlocked.CompareExchange(ref _lender, lender == thread ? 0 : -lender, lender) != lender);

        return Math.Max(lender, 0);
    }

    private void InvokeCore()
    {
        _depth++;

        try
        {
            // a failed loop calls nobody more
            if (_failure is null)
            {
                if (_starts == 0)
                {
                    _home = Environment.CurrentManagedThreadId;
                    _pending.Resume();
                }

                _pending.Invoke();
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

    // Of several that the loop has not seen yet, the strongest counts; Cancel takes all of them back.
    private void AskToStop(int how)
    {
        int asked;

        do
        {
            asked = Volatile.Read(ref _stop);
        }
        while (Interlocked.CompareExchange(ref _stop, how == 0 ? how : Math.Max(asked, how), asked) != asked);

        Handle.Wake();
    }
}
