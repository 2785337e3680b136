using System.Collections.Generic;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Runs tasks on the loop's thread.</summary>
internal sealed class LoopTaskScheduler(Loop loop) : TaskScheduler
{
    public override int MaximumConcurrencyLevel => 1;

    protected override void QueueTask(Task task)
    {
        if (!loop.TryPost(static item => item.Scheduler.TryExecuteTask(item.Task), (Scheduler: this, Task: task)))
        {
            // the exception is the task's; where that is what follows an await, nobody looks at it
            loop.Report(Error.ObjectDisposed_Continuation(loop));
            Error.Throw_Disposed(loop);
        }
    }

    // who waits for a task on the loop's own thread gets it done there: nobody else would do it meanwhile
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
    {
        if (!loop.TryEnter(out Loop.Claim claim))
        {
            return false;
        }

        using (claim)
        {
            return TryExecuteTask(task);
        }
    }

    // for debuggers alone; they are in the loop's queue, among the rest
    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
