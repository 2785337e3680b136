using System;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>Awaited, it continues an async method on the loop's thread, in the loop's context. If the loop is disposed, the method continues
/// on the thread that awaits, so it always continues. Any thread.</summary>
internal readonly struct LoopSwitch(Loop loop) : ICriticalNotifyCompletion
{
    internal bool IsCompleted => LoopSynchronizationContext.IsCurrent(loop);

    internal LoopSwitch GetAwaiter() => this;

    internal void GetResult()
    {
    }

    public void OnCompleted(Action continuation) => UnsafeOnCompleted(continuation);

    public void UnsafeOnCompleted(Action continuation)
    {
        var context = (LoopSynchronizationContext)loop.SynchronizationContext;

        if (!context.TryPost(static continuation => ((Action)continuation!)(), continuation))
        {
            continuation();
        }
    }
}
