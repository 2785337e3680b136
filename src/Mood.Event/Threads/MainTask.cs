using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The task that a Run waits for.</summary>
internal sealed class MainTask
{
    private readonly Loop _loop;
    private readonly Task _task;
    private readonly int _starts;
    private readonly Delegate _function;

    // Whether the Run also waits for the spawned functions. An inner Run must not wait: a spawned function may have called it.
    private readonly bool _waitsForSpawned;

    internal MainTask(Loop loop, Delegate function, Task task, int starts, MainTask? outer, bool waitsForSpawned)
    {
        _function = function;
        _waitsForSpawned = waitsForSpawned;
        _loop = loop;
        _task = task;
        _starts = starts;
        Outer = outer;
    }

    /// <summary>The name of the main function.</summary>
    internal string Name => MethodName.Of(_function);

    /// <summary>The name of a main function in a report.</summary>
    internal static string NameOf(Delegate function) => "the main function " + MethodName.Of(function);

    /// <summary>The task of the Run around this one.</summary>
    internal MainTask? Outer { get; }

    /// <summary>Whether the task has ended and the innermost Start is the one of its Run.</summary>
    /// <param name="starts">The number of Starts on the stack.</param>
    internal bool HasEnded(int starts) => starts == _starts && IsOver(_loop, _task, _waitsForSpawned);

    /// <summary>Whether a Run has nothing to wait for. A main function that failed ends it at once.</summary>
    internal static bool IsOver(Loop loop, Task main, bool waitsForSpawned) =>
        main.IsCompleted && (!waitsForSpawned || main.Status != TaskStatus.RanToCompletion || loop.Spawned.HasOnlyHandlers);

    /// <summary>Whether the innermost Start is the one of this Run.</summary>
    /// <param name="starts">The number of Starts on the stack.</param>
    internal bool IsInnermost(int starts) => starts == _starts;

    /// <summary>Wakes the loop when the task ends, on any thread.</summary>
    internal void WakeAtEnd() => _task.ContinueWith(
        static (_, loop) => ((Loop)loop!).Handle.Wake(),
        _loop,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach,
        TaskScheduler.Default);

    /// <summary>Reports the exception of a task that its Run no longer waits for.</summary>
    internal static void ReportAtEnd(Loop loop, Delegate function, Task task) => task.ContinueWith(
        task => loop.ReportLate(task.Exception!, NameOf(function)),
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.DenyChildAttach | TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);
}
