using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Mood.Event;

/// <summary>Has continuations resume on the loop's thread.</summary>
internal sealed class LoopSynchronizationContext(Loop loop) : SynchronizationContext
{
    /// <summary>Makes the loop's context this thread's.</summary>
    /// <returns>The one to restore.</returns>
    internal static SynchronizationContext? Enter(Loop loop)
    {
        SynchronizationContext? before = Current;

        if (before != loop.SynchronizationContext)
        {
            SetSynchronizationContext(loop.SynchronizationContext);
        }

        return before;
    }

    // there is one per loop, and two of them must be told apart by reference
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>Posts. On a disposed loop it tells <see cref="Loop.CallbackException"/>, for the caller is an await
    /// somewhere, which has nobody to tell: an exception out of here would end the process.</summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        Validate.NotNull(d, nameof(d));

        if (!loop.TryPost(static item => item.Context.Call(item.Callback, item.State), (Context: this, Callback: d, State: state)))
        {
            loop.Report(Error.ObjectDisposed_Continuation(loop));
        }
    }

    /// <summary>Calls at once on the loop's thread; from another thread it waits until the loop has called.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        Validate.NotNull(d, nameof(d));

        if (loop.TryEnter(out Loop.Claim claim))
        {
            using (claim)
            {
                Call(d, state);
            }

            return;
        }

        var sent = new Sent(this, d, state);
        loop.Post(sent.Run);
        sent.Wait();
    }

    private void Call(SendOrPostCallback callback, object? state)
    {
        SynchronizationContext? before = Enter(loop);

        try
        {
            callback(state);
        }
        finally
        {
            if (before != this)
            {
                SetSynchronizationContext(before);
            }
        }
    }

    /// <summary>What a Send waits for.</summary>
    private sealed class Sent(LoopSynchronizationContext context, SendOrPostCallback callback, object? state)
    {
        private ExceptionDispatchInfo? _thrown;
        private readonly object _gate = new();
        private bool _done;

        internal void Run()
        {
            try
            {
                context.Call(callback, state);
            }
#pragma warning disable CA1031 // any exception: it is the sender's
            catch (Exception e)
#pragma warning restore CA1031
            {
                _thrown = ExceptionDispatchInfo.Capture(e);
            }

            lock (_gate)
            {
                _done = true;
                Monitor.Pulse(_gate);
            }
        }

        internal void Wait()
        {
            lock (_gate)
            {
                while (!_done)
                {
                    Monitor.Wait(_gate);
                }
            }

            _thrown?.Throw();
        }
    }
}
