using System.Collections.Generic;

namespace Mood.Event;

/// <summary>The asynchronous calls of a loop that have not ended, so that none waits for a loop that is gone.</summary>
internal sealed class AsyncCalls
{
    private readonly Gate _gate = new();
    private readonly HashSet<AsyncCall> _calls = [];

    internal void Add(AsyncCall call)
    {
        using (_gate.Enter())
        {
            _calls.Add(call);
        }
    }

    internal void Remove(AsyncCall call)
    {
        using (_gate.Enter())
        {
            _calls.Remove(call);
        }
    }

    internal void FailAll(Loop loop)
    {
        AsyncCall[] calls;

        using (_gate.Enter())
        {
            // not by a collection expression: that needs System.Linq, and a file to load it from, while none may be left
            calls = new AsyncCall[_calls.Count];
            _calls.CopyTo(calls);
            _calls.Clear();
        }

        foreach (AsyncCall call in calls)
        {
            call.Fail(Error.ObjectDisposed_Call(loop));
        }
    }
}
