using System;
using System.IO.Pipelines;
using System.Threading;

namespace Mood.Event;

/// <summary>Runs the application on the thread pool when bytes have arrived. Afterwards it sends the bytes whose flushes were
/// deferred.</summary>
/// <remarks>It is its own work item, so that it does not allocate. A pipe has one reader, so normally at most one action waits here. If
/// one waits already, a further action, such as a completion callback, goes directly to the pool.</remarks>
internal sealed class ApplicationScheduler(Sender sender) : PipeScheduler, IThreadPoolWorkItem
{
    // Set by Schedule, cleared by Execute before it calls the action.
    private Action<object?>? _action;
    private object? _state;

    public override void Schedule(Action<object?> action, object? state)
    {
        if (Interlocked.CompareExchange(ref _action, action, null) is not null)
        {
            ThreadPool.Schedule(action, state);
            return;
        }

        _state = state;
        System.Threading.ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute()
    {
        (Action<object?> action, object? state) = (_action!, _state);
        _state = null;
        Volatile.Write(ref _action, null);
        sender.BeginCall();
        action(state);
        sender.EndCall();
    }
}
