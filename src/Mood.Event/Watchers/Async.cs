using System;

namespace Mood.Event;

/// <summary>
/// Calls back on the loop's thread after any thread has called <see cref="Send"/> (ev_async).
/// </summary>
/// <remarks>
/// Several Sends before the callback runs cause one call. An Async carries no data. Put work into a queue before Send, and empty
/// the queue in the callback. <see cref="Loop.Post(Action)"/> contains such a queue.
/// </remarks>
public sealed class Async : Watcher<Async>
{
    /// <summary>Creates an async watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="callback">The callback, called after a Send.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Async(Loop loop, Action<Async, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Async, priority);

    /// <summary>
    /// Whether <see cref="Send"/> was called and the loop has not handled it yet (ev_async_pending). False after Dispose. Any
    /// thread.
    /// </summary>
    public bool Sent => Handle.Sent();

    /// <summary>
    /// Wakes the loop, which then calls the callback on its own thread (ev_async_send). Any thread, also inside
    /// a handler of PosixSignalRegistration.
    /// </summary>
    /// <remarks>
    /// A Send costs almost nothing while an earlier one is not handled yet. A Send to a watcher that is not active, or whose
    /// loop is disposed, does nothing.
    /// </remarks>
    /// <exception cref="ObjectDisposedException">The watcher is disposed.</exception>
    public void Send()
    {
        if (!Handle.Send())
        {
            Error.Throw_Disposed(this);
        }
    }

    /// <summary>Send, which does nothing if the watcher is disposed. Any thread.</summary>
    internal void TrySend() => _ = Handle.Send();
}
