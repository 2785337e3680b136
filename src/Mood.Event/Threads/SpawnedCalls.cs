using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The spawned functions of a loop that have not ended. Any thread.</summary>
internal sealed class SpawnedCalls : CallSet<SpawnedCall>
{
    // Under the gate. Completed when the last call ends. Null while no Run with a token waits for that.
    private TaskCompletionSource<bool>? _empty;

    internal bool IsEmpty
    {
        get
        {
            using (Gate.Enter())
            {
                return Calls.Count == 0;
            }
        }
    }

    /// <summary>Removes a call that has ended, and wakes the Run that may wait for the last one.</summary>
    internal void Remove(Loop loop, SpawnedCall call)
    {
        bool isLast;
        TaskCompletionSource<bool>? empty = null;

        using (Gate.Enter())
        {
            isLast = Calls.Remove(call) && Calls.Count == 0;

            if (isLast)
            {
                (empty, _empty) = (_empty, null);
            }
        }

        empty?.TrySetResult(true);

        if (isLast)
        {
            loop.Handle.Wake();
        }
    }

    /// <summary>A task that ends when no call is left.</summary>
    internal Task WhenEmpty()
    {
        using (Gate.Enter())
        {
            return Calls.Count == 0
                ? Task.CompletedTask
                : (_empty ??= new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>The names of the functions.</summary>
    internal string Names() => MethodName.Counted(Array.ConvertAll(Snapshot(), static call => MethodName.Of(call.Function)));
}
