using System.Collections.Generic;

namespace Mood.Event;

/// <summary>The calls of a loop that have not ended. Any thread.</summary>
/// <typeparam name="TCall">The type of the calls.</typeparam>
internal abstract class CallSet<TCall>
    where TCall : Call
{
    private protected Gate Gate { get; } = new();

    /// <summary>Under the gate: any thread adds a call, the thread that ends it removes it.</summary>
    private protected HashSet<TCall> Calls { get; } = [];

    internal virtual void Add(TCall call)
    {
        using (Gate.Enter())
        {
            Calls.Add(call);
        }
    }

    /// <summary>A copy of the calls.</summary>
    private protected TCall[] Snapshot()
    {
        using (Gate.Enter())
        {
            return Copy();
        }
    }

    /// <summary>A copy of the calls. Under the gate.</summary>
    private protected TCall[] Copy()
    {
        // A collection expression would load System.Linq, which needs a file descriptor. There may be none left.
        var calls = new TCall[Calls.Count];
        Calls.CopyTo(calls);
        return calls;
    }
}
