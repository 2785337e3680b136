using System;
using System.Collections.Generic;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>The end of a loop.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Ends the loop: what was posted before is called, on this thread, its active watchers are stopped and disposed, its
    /// file descriptors closed. In a callback it is deferred: no further watcher is called, all nested Starts and Invokes
    /// end, and the outermost does it before it returns. Twice is fine.
    /// </summary>
    /// <remarks>What was posted meets a loop that is being disposed: it can stop and dispose watchers, and no more. A fatal
    /// exception of it leaves Dispose.</remarks>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public void Dispose()
    {
        if (IsClosed || _closing)
        {
            return;
        }

        using Claim claim = Change();
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
            using Claim claim = ClaimToClose(); // no longer the loop around it, but this one itself
            CloseCore();
            return;
        }

        CloseCore();
    }

    private void CloseCore()
    {
        _posts.RunLast(this);
#if NET8_0_OR_GREATER
        List<Watcher> waits = TakeWaits();
#endif
        Watchers.DisposeAll();

        if (!IsDefault)
        {
            CloseHandle();
        }
        else
        {
            // nobody gets a new default loop before the native one, of which there is only one, is gone
            lock (s_defaultGate)
            {
                CloseHandle();
                s_default = null;
            }
        }

#if NET8_0_OR_GREATER
        EndWaits(waits);
#endif
        Calls.FailAll(this); // those that what they waited for has not ended
    }

    private void CloseHandle()
    {
        IsClosed = true;
        Clock?.Remove(this);
        Handle.CloseLoop();
        Handle.Dispose();
    }
}
