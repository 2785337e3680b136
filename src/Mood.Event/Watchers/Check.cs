using System;

namespace Mood.Event;

/// <summary>
/// Calls back in every iteration, after the loop has waited for events (ev_check). See <see cref="Prepare"/> for its use.
/// </summary>
public sealed class Check : Watcher<Check>
{
    /// <summary>Creates a check watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="callback">The callback, called after the loop has waited.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Check(Loop loop, Action<Check, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Check, priority);
}
