using System;

namespace Mood.Event;

/// <summary>
/// Calls back in every iteration in which no watcher of the same or a higher priority is pending (ev_idle).
/// </summary>
/// <remarks>
/// While an Idle is active the loop does not wait for events: it goes through its iterations as fast as it can. Use it to do a
/// long computation in small pieces, and stop it when the work is done.
/// </remarks>
public sealed class Idle : Watcher<Idle>
{
    /// <summary>Creates an idle watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="callback">The callback. Null: the watcher only keeps the loop from waiting.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Idle(Loop loop, Action<Idle, Events>? callback = null, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Idle, priority);

    private protected override bool IsCallbackOptional => true;
}
