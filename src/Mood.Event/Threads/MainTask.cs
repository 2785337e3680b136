using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>What a Run waits for.</summary>
internal sealed class MainTask
{
    private readonly Loop _loop;
    private readonly Task _task;
    private readonly int _starts;

    internal MainTask(Loop loop, Task task, int starts, MainTask? outer)
    {
        _loop = loop;
        _task = task;
        _starts = starts;
        Outer = outer;
    }

    /// <summary>The Run around this one.</summary>
    internal MainTask? Outer { get; }

    /// <summary>Whether the innermost of so many Starts is the one that Run made, and may end.</summary>
    internal bool HasEnded(int starts) => starts == _starts && _task.IsCompleted;

    /// <summary>Whether the innermost of so many Starts is the one that Run made.</summary>
    internal bool IsInnermost(int starts) => starts == _starts;

    /// <summary>The loop is woken when the task ends, wherever that is.</summary>
    internal void WakeAtEnd() => _task.ContinueWith(
        static (_, loop) => ((Loop)loop!).Handle.Wake(),
        _loop,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach,
        TaskScheduler.Default);

    /// <summary>Run does not wait any more: an exception that the task still ends with is told.</summary>
    internal static void ReportAtEnd(Loop loop, Task task) => task.ContinueWith(
        static (task, loop) => ((Loop)loop!).Report(task.Exception!.InnerException!),
        loop,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach | TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);
}
