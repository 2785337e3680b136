using System;

namespace Mood.Event;

/// <summary>Calls back in every iteration, before the loop waits for events (ev_prepare).</summary>
/// <remarks>
/// Use it with <see cref="Check"/> to integrate another event library. Prepare starts watchers for the file descriptors and times
/// of the other library, and Check passes their events to it.
/// </remarks>
public sealed class Prepare : Watcher<Prepare>
{
    /// <summary>Creates a prepare watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="callback">The callback, called before the loop waits.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Prepare(Loop loop, Action<Prepare, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Prepare, priority);
}
