using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A call of Spawn, or of the handler of a connection. Its exception also goes to CallbackException, because most programs
/// discard the task.</summary>
internal sealed class SpawnedCall : AsyncCall<bool>
{
    private readonly Func<Task> _function;
    private readonly Action<Task>? _onEnded;

    /// <param name="loop">The loop.</param>
    /// <param name="function">The function to call.</param>
    /// <param name="handler">The handler of the user, if the function calls the handler of a connection.</param>
    /// <param name="onEnded">Called at the end of the handler. It reports the handler's exceptions.</param>
    internal SpawnedCall(Loop loop, Func<Task> function, Delegate? handler = null, Action<Task>? onEnded = null)
        : base(loop, function, handler)
    {
        (_function, _onEnded) = (function, onEnded);
        IsHandler = handler is not null;
        LoopThread.Ignore(Task); // CallbackException reports it
    }

    /// <summary>Whether it serves a connection of a LoopServer.</summary>
    internal bool IsHandler { get; }

    internal override void Fail(Exception exception)
    {
        base.Fail(exception);
        Loop.Spawned.Remove(Loop, this);
    }

    // CallbackException is raised on the loop's thread, and Run must not return before it.
    private protected override void OnEnded(Task task)
    {
        if (Loop.IsHere || !Loop.TryPost(static item => item.Call.Finish(item.Task), (Call: this, Task: task)))
        {
            Finish(task);
        }
    }

    private protected override void OnLate(AggregateException exception)
    {
        // Finish has reported it
    }

    private void Finish(Task task)
    {
        if (_onEnded is not null)
        {
            _onEnded(task);
        }
        else if (task.Exception is AggregateException all)
        {
            // When the loop is disposed, each wait of the function ends with an ObjectDisposedException. That is not a failure of the
            // function.
            foreach (Exception exception in all.InnerExceptions)
            {
                if (!(exception is OperationCanceledException || (exception is ObjectDisposedException && Loop.IsEnding)))
                {
                    Loop.OnSpawnedException(_function, exception);
                }
            }
        }

        base.OnEnded(task);
        Loop.Spawned.Remove(Loop, this);
    }
}
