using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called in every iteration before the loop waits (ev_prepare): the place to start watchers for what another library
/// wants to be woken by.
/// </summary>
public sealed class Prepare : Watcher<Prepare>
{
    /// <summary>Makes a prepare watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="callback">Called before the loop waits.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Prepare(Loop loop, Action<Prepare, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Prepare, priority);
}
