using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// An InvokeAsync of an asynchronous function: its task ends as the function's does, or fails when the loop ends first, for
/// then the rest of the function may never run.
/// </summary>
internal abstract class AsyncCall
{
    private readonly Func<Task> _function;
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    private protected AsyncCall(Loop loop, Func<Task> function)
    {
        Loop = loop;
        _function = function;
    }

    private protected Loop Loop { get; }

    /// <summary>Calls the function, on the loop's thread. Throws nothing.</summary>
    internal void Run()
    {
        if (_context is null)
        {
            RunHere();
        }
        else
        {
            ExecutionContext.Run(_context, static call => ((AsyncCall)call!).RunHere(), this);
        }
    }

    /// <summary>The task fails, unless it has ended.</summary>
    internal abstract void Fail(Exception exception);

    private protected abstract void End(Task task);

    private void RunHere()
    {
        Loop.Calls.Add(this);
        SynchronizationContext? before = LoopSynchronizationContext.Enter(Loop);

        try
        {
            Task task = _function() ?? throw Error.InvalidOperation_NullTask();
            task.ContinueWith(
                static (task, call) => ((AsyncCall)call!).OnEnded(task),
                this,
                CancellationToken.None,
                TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach,
                TaskScheduler.Default);
        }
#pragma warning disable CA1031 // any exception: it is the task's
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.Calls.Remove(this);
            Fail(e);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private void OnEnded(Task task)
    {
        Loop.Calls.Remove(this);
        End(task);
    }
}

/// <inheritdoc/>
/// <typeparam name="T">The result's type.</typeparam>
internal sealed class AsyncCall<T>(Loop loop, Func<Task> function) : AsyncCall(loop, function)
{
    // continuations of the caller's have no business on the loop's thread, unless they ask for it with a context
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<T> Task => _source.Task;

    internal override void Fail(Exception exception) => _source.TrySetException(exception);

    private protected override void End(Task task)
    {
        if (task.Exception is AggregateException exception)
        {
            if (!_source.TrySetException(exception.InnerExceptions))
            {
                Loop.Report(exception.InnerException!); // the loop's end was first
            }
        }
        else if (task.IsCanceled)
        {
            _source.TrySetCanceled(CancellationOf(task));
        }
        else
        {
            _source.TrySetResult(task is Task<T> typed ? typed.Result : default!);
        }
    }

    // the token that the function gave; only its exception knows
    private static CancellationToken CancellationOf(Task task)
    {
        try
        {
            task.GetAwaiter().GetResult();
            return default;
        }
        catch (OperationCanceledException e)
        {
            return e.CancellationToken;
        }
    }
}
