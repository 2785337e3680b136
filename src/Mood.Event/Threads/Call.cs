using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>One InvokeAsync: it runs on the loop's thread, in the ExecutionContext of its caller.</summary>
internal abstract class Call
{
    private static readonly ContextCallback s_invoke = static call => ((Call)call!).Invoke();

    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    /// <summary>The function that the caller has passed, for its name.</summary>
    internal abstract Delegate Function { get; }

    /// <summary>Runs the call, on the loop's thread. Throws nothing.</summary>
    internal void Run()
    {
        if (_context is null)
        {
            Invoke();
        }
        else
        {
            ExecutionContext.Run(_context, s_invoke, this);
        }
    }

    /// <summary>Ends the caller's task with the exception, unless the task has ended.</summary>
    internal abstract void Fail(Exception exception);

    /// <summary>The exception that has cancelled a task. Only this exception contains the token, the message and the stack trace.</summary>
    internal static OperationCanceledException CancellationOf(Task cancelled)
    {
        try
        {
            cancelled.GetAwaiter().GetResult();
        }
        catch (OperationCanceledException e)
        {
            return e;
        }

        return new TaskCanceledException(cancelled); // not reached
    }

    /// <summary>Calls the user's function. Throws nothing.</summary>
    private protected abstract void Invoke();
}

/// <inheritdoc/>
/// <typeparam name="T">The type of the result.</typeparam>
internal abstract class Call<T> : Call
{
    /// <summary>The caller's task.</summary>
    internal Task<T> Task => Source.Task;

    // Continuations of the caller must not run on the loop's thread, unless the caller's context posts them there.
    private protected TaskCompletionSource<T> Source { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal override void Fail(Exception exception) => Source.TrySetException(exception);
}

/// <summary>A call of a function. Its task ends with the function.</summary>
/// <typeparam name="T">The type of the result.</typeparam>
internal sealed class FunctionCall<T>(Func<T> function, Delegate? named = null) : Call<T>
{
    internal override Delegate Function => named ?? function;

    private protected override void Invoke()
    {
        try
        {
            Source.TrySetResult(function());
        }
#pragma warning disable CA1031 // any exception: the task fails with it
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }
}
