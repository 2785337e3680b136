using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called in every iteration after the loop has waited (ev_check): the counterpart of <see cref="Prepare"/>.
/// </summary>
public sealed class Check : Watcher<Check>
{
    /// <summary>Makes a check watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="callback">Called after the loop has waited.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Check(Loop loop, Action<Check, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Check, priority);
}
