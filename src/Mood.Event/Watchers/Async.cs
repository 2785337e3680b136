using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called on the loop's thread after <see cref="Send"/> was called on any (ev_async). Sends that come before the
/// callback has run are one event: what there is to do belongs in a queue of the program's.
/// </summary>
public sealed class Async : Watcher<Async>
{
    /// <summary>Makes an async watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="callback">Called after a Send.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Async(Loop loop, Action<Async, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Async, priority);

    /// <summary>Whether it was sent and libev has not noticed yet (ev_async_pending). Any thread.</summary>
    public bool Sent => WasSent();

    /// <summary>
    /// Wakes the loop and has the callback called on its thread (ev_async_send). Any thread, signal handlers of the
    /// runtime included; costs next to nothing when it was sent already. On an inactive watcher, or one whose loop is
    /// disposed, nothing happens.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The watcher is disposed.</exception>
    public new void Send()
    {
        if (!base.Send())
        {
            Error.Throw_Disposed(this);
        }
    }
}
