using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Mood.Event;

/// <summary>Runs continuations on the loop's thread.</summary>
internal sealed class LoopSynchronizationContext(Loop loop) : SynchronizationContext
{
    /// <summary>Makes the loop's context the current one of this thread.</summary>
    /// <returns>The context to restore.</returns>
    internal static SynchronizationContext? Enter(Loop loop)
    {
        SynchronizationContext? before = Current;

        if (before != loop.SynchronizationContext)
        {
            SetSynchronizationContext(loop.SynchronizationContext);
        }

        return before;
    }

    /// <summary>Whether the loop's context is the current one of this thread.</summary>
    internal static bool IsCurrent(Loop loop) => Current is LoopSynchronizationContext context && context == loop.SynchronizationContext;

    // a loop has one context, so that the contexts of two loops can be compared by reference
    public override SynchronizationContext CreateCopy() => this;

    /// <summary>
    /// Calls the callback on the loop's thread, later. Dispose of the loop calls what is posted until its end. On a disposed loop the callback
    /// is not called, and <see cref="Loop.CallbackException"/> is raised. Post does not throw, because the runtime's code for awaits calls it,
    /// and an exception there would end the process.
    /// </summary>
    public override void Post(SendOrPostCallback d, object? state)
    {
        Validate.NotNull(d, nameof(d));

        if (!TryPost(d, state))
        {
            loop.ReportUncalled();
        }
    }

    /// <summary>Calls the callback at once on the loop's thread. Another thread waits until the loop has called it.</summary>
    public override void Send(SendOrPostCallback d, object? state)
    {
        Validate.NotNull(d, nameof(d));

        if (loop.TryClaimToCall(out Loop.Claim claim, out Loop.Claim itself))
        {
            using (claim)
            using (itself)
            {
                Call(d, state);
            }

            return;
        }

        var sent = new Sent(this, d, state);
        loop.Post(sent.Run);
        sent.Wait();
    }

    /// <summary>As <see cref="Post"/>, but only returns false on a disposed loop.</summary>
    internal bool TryPost(SendOrPostCallback d, object? state) => loop.TryPostContinuation(
        static item => item.Context.Call(item.Callback, item.State), (Context: this, Callback: d, State: state));

    /// <summary>Calls a callback in this context. The loop's thread.</summary>
    internal void Call(SendOrPostCallback callback, object? state)
    {
        SynchronizationContext? before = Enter(loop);
        loop.Gauge?.Resumes(state);

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

    /// <summary>A callback of a Send from another thread, which waits for it.</summary>
    internal sealed class Sent(LoopSynchronizationContext context, SendOrPostCallback callback, object? state)
    {
        // Used inside the gate. The loop's thread sets it once, and the sender waits for it.
        private bool _done;

        // The loop's thread writes it before it sets _done. The sender reads it after it has seen _done.
        private ExceptionDispatchInfo? _thrown;

        internal Gate Gate { get; } = new();

        /// <summary>Calls the callback, on the loop's thread. Throws nothing.</summary>
        internal void Run()
        {
            try
            {
                context.Call(callback, state);
            }
#pragma warning disable CA1031 // any exception: Send throws it
            catch (Exception e)
#pragma warning restore CA1031
            {
                _thrown = ExceptionDispatchInfo.Capture(e);
            }

            using Gate.Pass pass = Gate.Enter();
            _done = true;
            pass.Pulse();
        }

        /// <summary>Waits until the callback has run, and throws its exception.</summary>
        internal void Wait()
        {
            using (Gate.Pass pass = Gate.Enter())
            {
                while (!_done)
                {
                    pass.Wait();
                }
            }

            _thrown?.Throw();
        }
    }
}
