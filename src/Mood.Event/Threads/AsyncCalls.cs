using System;

namespace Mood.Event;

/// <summary>
/// The asynchronous calls of a loop that have not ended. When the loop is disposed, they fail, so that no caller waits for
/// ever.
/// </summary>
internal sealed class AsyncCalls : CallSet<Call>
{
    /// <summary>The names of the functions that have not ended, without the spawned ones. Any thread.</summary>
    internal string Names() => MethodName.Counted(Array.ConvertAll(
        Array.FindAll(Snapshot(), static call => call is not SpawnedCall), static call => MethodName.Of(call.Function)));

    internal void Remove(Call call)
    {
        using (Gate.Enter())
        {
            Calls.Remove(call);
        }
    }

    internal void FailAll(Loop loop)
    {
        Call[] calls;

        using (Gate.Enter())
        {
            calls = Copy();
            Calls.Clear();
        }

        foreach (Call call in calls)
        {
            call.Fail(Error.ObjectDisposed_Call(loop));
        }
    }
}
