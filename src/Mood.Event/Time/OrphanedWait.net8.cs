using System;
using System.Reflection;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// Ends the waits of .NET that use a timer of <see cref="LoopTimeProvider"/>, when the loop is disposed. Such a timer never fires again. So
/// without this class, the await of <c>Task.Delay(time, loop.TimeProvider)</c> would never return.
/// </summary>
/// <remarks>
/// An ITimer has no way to report a failure, and an early call of its callback would mean that the time is over. But .NET passes the
/// waiting object to CreateTimer as the state: a CancellationTokenSource, the task of Task.Delay or Task.WaitAsync, or the state of a
/// PeriodicTimer. A CancellationTokenSource is cancelled. The tasks and the PeriodicTimer are ended with .NET's own methods, which are not
/// public. On a runtime without these methods, such an await never returns. If the program itself has called CreateTimer, its callback is
/// not called.
/// </remarks>
internal static class OrphanedWait
{
    private const BindingFlags Inside = BindingFlags.Instance | BindingFlags.NonPublic | BindingFlags.Public;

    private static readonly Func<Task, object, bool>? s_fail = (Func<Task, object, bool>?)typeof(Task)
        .GetMethod("TrySetException", Inside, [typeof(object)])?.CreateDelegate(typeof(Func<Task, object, bool>));

    // State.Signal(stopping, token) of a PeriodicTimer, which its Dispose calls.
    private static readonly MethodInfo? s_signal = typeof(PeriodicTimer)
        .GetNestedType("State", BindingFlags.NonPublic)?.GetMethod("Signal", Inside, [typeof(bool), typeof(CancellationToken)]);

    /// <summary>Whether this runtime has the methods.</summary>
    internal static bool IsComplete => s_fail is not null && s_signal is not null;

    /// <summary>Whether the state of a timer is that of a PeriodicTimer.</summary>
    internal static bool IsPeriodicTimer(object? state) => state?.GetType().DeclaringType == typeof(PeriodicTimer);

    /// <summary>Ends the wait. User code runs: continuations, and callbacks of tokens.</summary>
    /// <param name="loop">The loop that is disposed.</param>
    /// <param name="callback">The callback of the timer. If it is the program's, and not .NET's own, nothing happens.</param>
    /// <param name="state">The state of the timer.</param>
    /// <param name="exception">The exception that a task fails with.</param>
    internal static void End(Loop loop, TimerCallback callback, object? state, Exception exception)
    {
        if (!MethodName.IsOfRuntime(callback))
        {
            return;
        }

        if (state is CancellationTokenSource source)
        {
            loop.CancelAndReport(source);
        }
        else if (state is Task task)
        {
            if (s_fail?.Invoke(task, exception) == true)
            {
                LoopThread.Ignore(task); // it may be the rest of a Task.WhenAny, which is never awaited
            }
        }
        else if (state is not null && state.GetType() == s_signal?.DeclaringType)
        {
            s_signal.Invoke(state, [true, CancellationToken.None]); // WaitForNextTickAsync returns false
        }
    }
}
