using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>The end of a loop.</content>
public sealed partial class Loop
{
    // How many continuations CallLast calls: this number, and as many for each one that waits then. A continuation may post without end.
    private const int LastContinuations = 100;

    // The continuations that are posted from the beginning of Dispose to its end, which calls them. The owner sets it before it closes _posts.
    // Any thread adds to it.
    private PostQueue? _last;

    /// <summary>Whether the loop is disposed or is being disposed. Then no watcher can be started. Any thread.</summary>
    internal bool IsEnding => _closing || IsClosed;

    /// <summary>
    /// Ends the loop (ev_loop_destroy): calls the posted actions on this thread, stops and disposes the active watchers, and
    /// closes the file descriptors. Idempotent.
    /// </summary>
    /// <remarks>
    /// In a callback Dispose is deferred: no further watcher is called, all nested Starts and Invokes end, and the outermost one
    /// disposes the loop before it returns. While posted actions run in Dispose, they can stop and dispose watchers, but cannot
    /// start any. A fatal exception of a posted action leaves Dispose.
    /// </remarks>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public void Dispose()
    {
        if (IsClosed || _closing)
        {
            return;
        }

        if (DisposedBy is LoopThread thread && !thread.IsCurrent && !IsInside && !IsRescheduling)
        {
            thread.Dispose();
            return;
        }

        using Claim claim = ClaimToSet();

        if (IsEnding)
        {
            return; // another thread has disposed it just before the claim
        }

        ExtendClaim();
        _last = new PostQueue();
        _posts.Close();

        if (_depth > 0)
        {
            _closing = true;
            Native.mood_loop_halt(_native);
            return;
        }

        Close();
        ThrowFailure();
    }

    private void Close()
    {
        _closing = true;

        if (Embedder is not null)
        {
            Embedder.Stop();
            using Claim claim = ClaimItself(); // until here the loop around it was claimed instead
            CloseCore();
            return;
        }

        CloseCore();
    }

    // Everything that waits for the loop ends here. Its continuations run at once, or are posted to _last. A function that handles the exception
    // of its wait ends with its own result. So the calls that have not ended fail only after its continuations.
    private void CloseCore()
    {
        try
        {
            List<Watcher>? waits = null;
            _posts.RunLast(this);
            TakeWaits(ref waits);
            Watchers.DisposeAll();

            if (!IsDefault)
            {
                CloseHandle();
            }
            else
            {
                // There is only one native default loop. It must be closed before another default loop is made.
                using (DefaultGate.Enter())
                {
                    CloseHandle();
                    s_default = null;
                }
            }

            EndWaits(waits);
            CallLast();
            Calls.FailAll(this);
        }
        finally
        {
            CallLast();
            _last!.Close();
            _last.RunLast(this); // the rest: the last posts before Close
            _report.Flush(); // outside the gate: standard error may block
        }
    }

    private void CallLast() => _last!.RunLast(this, LastContinuations * (_last.Waiting + 1));

    /// <summary>As <see cref="TryPost{TState}(Action{TState}, TState)"/>, for a continuation: Dispose accepts it until its end, and calls it.
    /// </summary>
    internal bool TryPostContinuation<TState>(Action<TState> action, TState state) =>
        TryPost(action, state) || (Volatile.Read(ref _last) is { } last && last.Add(action, state) != PostQueue.Answer.Refused);

    /// <summary>Reports that the loop is disposed and will not call a continuation. If a Run has named the functions that it did not wait
    /// for, there is no second report. Any thread. Throws nothing.</summary>
    internal void ReportUncalled()
    {
        if (!HasReportedUnfinished)
        {
            Report(Error.ObjectDisposed_Continuation(this));
        }
    }

    // Only net8.0 has awaitables.
    partial void TakeWaits(ref List<Watcher>? waits);

    partial void EndWaits(List<Watcher>? waits);

    private void CloseHandle()
    {
        IsClosed = true;
        Clock?.Remove(this);
        Handle.CloseLoop();
        Handle.Dispose();
    }
}
