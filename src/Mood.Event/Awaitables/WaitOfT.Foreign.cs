using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>A continuation that belongs in a context or task scheduler that is not the loop's.</content>
internal abstract partial class Wait<TResult>
{
    // The continuation that the core gets if the awaiter has captured another context than the loop's.
    private static readonly Action<object?> s_continue = static wait => ((Wait<TResult>)wait!).ContinueInForeign();

    private static readonly Action<object?> s_call = static wait => ((Wait<TResult>)wait!).CallContinuation();

    private static readonly SendOrPostCallback s_post = static wait => ((Wait<TResult>)wait!).CallContinuation();

    // Another SynchronizationContext or TaskScheduler that the awaiter has captured, or null, and the continuation that belongs in
    // it. Written in OnCompleted, before the core gets s_continue. Cleared in GetResult.
    private object? _foreign;
    private Action<object?>? _continuation;

    // What the awaiters of .NET capture: the current context, unless it is of the base class, which uses the thread pool, or the
    // current task's scheduler.
    private static object? FindForeign() =>
        SynchronizationContext.Current is { } context && context.GetType() != typeof(SynchronizationContext) ? context
        : TaskScheduler.Current is { } scheduler && scheduler != TaskScheduler.Default ? scheduler
        : null;

    // As the awaiter of a Task does: if the wait ends in the captured context, the continuation is called at once. So it stays on the
    // loop's thread, inside the iteration, if Start was called in the context that the callback has captured.
    private void ContinueInForeign()
    {
        if (_foreign is SynchronizationContext context)
        {
            if (context == SynchronizationContext.Current)
            {
                CallContinuation();
            }
            else
            {
                context.Post(s_post, this);
            }
        }
        else if (_foreign == TaskScheduler.Current)
        {
            CallContinuation();
        }
        else
        {
            Task.Factory.StartNew(s_call, this, CancellationToken.None, TaskCreationOptions.DenyChildAttach, (TaskScheduler)_foreign!);
        }
    }

    // The wait is not used again before the continuation has fetched the result.
    private void CallContinuation() => _continuation!(Waiter);
}
