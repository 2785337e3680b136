using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A call of an asynchronous function. Its task ends with the function's task, or fails when the loop ends first, because
/// the rest of the function may then never run.
/// </summary>
/// <param name="loop">The loop.</param>
/// <param name="function">The function to call.</param>
/// <param name="named">The function that the caller has passed, if it is another one.</param>
/// <typeparam name="T">The type of the result.</typeparam>
internal class AsyncCall<T>(Loop loop, Func<Task> function, Delegate? named = null) : Call<T>
{
    internal override Delegate Function { get; } = named ?? function;

    private protected Loop Loop => loop;

    private protected override void Invoke()
    {
        loop.Calls.Add(this);
        SynchronizationContext? before = LoopSynchronizationContext.Enter(loop);

        try
        {
            Task task = function() ?? throw Error.InvalidOperation_NullTask();
            task.ContinueWith(
                static (task, call) => ((AsyncCall<T>)call!).OnEnded(task),
                this,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach,
                TaskScheduler.Default);
        }
#pragma warning disable CA1031 // any exception: the task fails with it
        catch (Exception e)
#pragma warning restore CA1031
        {
            OnEnded(System.Threading.Tasks.Task.FromException(e));
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    /// <summary>The function has ended. The thread that ended it calls this.</summary>
    private protected virtual void OnEnded(Task task)
    {
        loop.Calls.Remove(this);

        if (task.Exception is AggregateException exception)
        {
            if (!Source.TrySetException(exception.InnerExceptions))
            {
                OnLate(exception);
            }
        }
        else if (task.IsCanceled)
        {
            Source.TrySetCanceled(CancellationOf(task).CancellationToken);
        }
        else
        {
            Source.TrySetResult(task is Task<T> typed ? typed.Result : default!);
        }
    }

    /// <summary>Called if the function fails after the end of the loop, which has already failed the caller's task.</summary>
    private protected virtual void OnLate(AggregateException exception) => loop.ReportLate(exception, "the function " + MethodName.Of(Function));
}
