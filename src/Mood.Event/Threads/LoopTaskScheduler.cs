using System.Collections.Generic;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Runs tasks on the loop's thread.</summary>
internal sealed class LoopTaskScheduler(Loop loop) : TaskScheduler
{
    public override int MaximumConcurrencyLevel => 1;

    protected override void QueueTask(Task task)
    {
        if (!loop.TryPostContinuation(static item => item.Scheduler.TryExecuteTask(item.Task), (Scheduler: this, Task: task)))
        {
            // The exception below is stored in the task. No code reads it there if the task is the continuation of an await.
            loop.ReportUncalled();
            Error.Throw_Disposed(loop);
        }
    }

    // If the loop's own thread waits for a task, it runs the task. No other thread would run it during the wait.
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued)
    {
        if (!loop.TryClaimToCall(out Loop.Claim claim, out Loop.Claim itself))
        {
            return false;
        }

        using (claim)
        using (itself)
        {
            return TryExecuteTask(task);
        }
    }

    // Only debuggers call this. The tasks are in the loop's queue, among the posted actions.
    protected override IEnumerable<Task> GetScheduledTasks() => [];
}
