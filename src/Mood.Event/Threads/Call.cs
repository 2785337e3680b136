using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>An InvokeAsync of a function: its task ends with it.</summary>
/// <typeparam name="T">The result's type.</typeparam>
internal sealed class Call<T>(Func<T> function)
{
    private readonly ExecutionContext? _context = ExecutionContext.Capture();

    // continuations of the caller's have no business on the loop's thread, unless they ask for it with a context
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    internal Task<T> Task => _source.Task;

    /// <summary>Calls the function, on the loop's thread. Throws nothing.</summary>
    internal void Run()
    {
        if (_context is null)
        {
            RunHere();
        }
        else
        {
            ExecutionContext.Run(_context, static call => ((Call<T>)call!).RunHere(), this);
        }
    }

    internal void Fail(Exception exception) => _source.SetException(exception);

    private void RunHere()
    {
        try
        {
            _source.SetResult(function());
        }
#pragma warning disable CA1031 // any exception: it is the task's
        catch (Exception e)
#pragma warning restore CA1031
        {
            _source.SetException(e);
        }
    }
}
