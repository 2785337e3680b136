using System;
using System.IO.Pipelines;

namespace Mood.Event;

/// <summary>Runs its actions on a loop's thread, at once if that is the calling thread.</summary>
internal sealed class LoopScheduler(Loop loop) : PipeScheduler
{
    public override void Schedule(Action<object?> action, object? state)
    {
        // After the loop's end its connections are closed, and no thread uses their fields: then any thread may run the action.
        if (loop.IsLoopThread || !loop.TryPost(static call => call.action(call.state), (action, state)))
        {
            action(state);
        }
    }
}
