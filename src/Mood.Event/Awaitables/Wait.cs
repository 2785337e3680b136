using System;

namespace Mood.Event;

/// <summary>An awaitable that a watcher resolves. Its watcher refers to it (Watcher.Wait). An error of libev and the loop's
/// Dispose stop the watcher. Through this reference they also end the wait. The states, and the cancellation, are in
/// WaitOfT.cs.</summary>
internal abstract class Wait
{
    /// <summary>The next wait in a <see cref="WaitPool{TWait}"/>. Written only while this one is not in the pool.</summary>
    internal Wait? Next { get; set; }

    /// <summary>The state of the continuation, which is the box of an async method's state machine, or null. Of a timer of a TimeProvider: its
    /// callback. For descriptions.</summary>
    internal object? Waiter { get; private protected set; }

    /// <summary>What the watcher is for, as a description says it: "awaited by ChatServer.ServeAsync".</summary>
    internal virtual string Purpose => "awaited by " + (MethodName.OfWaiter(Waiter) ?? "a task");

    /// <summary>Disposes the watcher. The wait is not used again. Loop's thread.</summary>
    internal abstract void Free();

    /// <summary>Called when an Embed begins to run the loop. From now on the loop's timers do not run by themselves. The loop is
    /// claimed.</summary>
    internal virtual void OnEmbedded()
    {
    }

    /// <summary>Ends the wait with an exception; does nothing if it has ended. Loop's thread.</summary>
    internal void Fail(Exception exception)
    {
        if (TryStop())
        {
            EndStopped(exception);
        }
    }

    /// <summary>Stops the watcher. The loop is claimed.</summary>
    /// <returns>True: the wait had not ended, and <see cref="EndStopped"/> must follow.</returns>
    internal abstract bool TryStop();

    /// <summary>Ends a stopped wait with an exception. Throws nothing: an exception of the continuation goes to
    /// <see cref="Loop.CallbackException"/>. The continuation is user code, so no brief claim is held.</summary>
    internal abstract void EndStopped(Exception exception);
}
