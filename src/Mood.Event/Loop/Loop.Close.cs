using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>The end of a loop.</content>
public sealed partial class Loop
{
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

        if (DisposedBy is LoopThread thread && !thread.IsCurrent)
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

    private void CloseCore()
    {
        _posts.RunLast(this);
        List<Watcher>? waits = null;
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

        _report.Flush(); // outside the gate: standard error may block
        EndWaits(waits);
        Calls.FailAll(this); // the calls that did not end together with their waits
    }

    /// <summary>Keeps a callback that is posted to the context while Dispose ends the waits, on the thread of Dispose.</summary>
    /// <returns>False: Dispose will not call it.</returns>
    internal bool TryKeepLast(SendOrPostCallback callback, object? state)
    {
        bool isKept = false;
        KeepLast(callback, state, ref isKept);
        return isKept;
    }

    partial void KeepLast(SendOrPostCallback callback, object? state, ref bool isKept);

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
