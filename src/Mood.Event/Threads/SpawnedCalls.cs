using System;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The spawned functions of a loop, and the handlers of its servers, that have not ended. Any thread.</summary>
internal sealed class SpawnedCalls : CallSet<SpawnedCall>
{
    // Under the gate. Completed when the last call ends. Null while no Run with a token waits for that.
    private TaskCompletionSource<bool>? _empty;

    // under the gate: how many of the calls are handlers
    private int _handlers;

    /// <summary>Whether all spawned functions have ended. A Run without a token does not wait for handlers, because it cannot tell
    /// them to end.</summary>
    internal bool HasOnlyHandlers
    {
        get
        {
            using (Gate.Enter())
            {
                return Calls.Count == _handlers;
            }
        }
    }

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

    internal override void Add(SpawnedCall call)
    {
        using (Gate.Enter())
        {
            Calls.Add(call);
            _handlers += call.IsHandler ? 1 : 0;
        }
    }

    /// <summary>Removes a call that has ended, and wakes the Run that may wait for the last function.</summary>
    internal void Remove(Loop loop, SpawnedCall call)
    {
        bool isLast = false;
        TaskCompletionSource<bool>? empty = null;

        using (Gate.Enter())
        {
            if (Calls.Remove(call))
            {
                _handlers -= call.IsHandler ? 1 : 0;
                isLast = !call.IsHandler && Calls.Count == _handlers;
            }

            if (Calls.Count == 0)
            {
                (empty, _empty) = (_empty, null);
            }
        }

        // A disposed loop does not call continuations, and its Run does not wait.
        if (!loop.IsEnding)
        {
            empty?.TrySetResult(true);
        }

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
