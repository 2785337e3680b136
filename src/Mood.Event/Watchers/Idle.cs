using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called in every iteration in which nothing of its priority or above is pending (ev_idle). While one is active the loop
/// does not wait: it is for work in small pieces, not for waiting.
/// </summary>
public sealed class Idle : Watcher<Idle>
{
    /// <summary>Makes an idle watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="callback">Called when nothing else is to be done; null to only keep the loop from waiting.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Idle(Loop loop, Action<Idle, Events>? callback = null, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Idle, priority);

    private protected override bool IsCallbackOptional => true;
}
