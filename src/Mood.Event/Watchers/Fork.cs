using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called in the first iteration after <see cref="Loop.Reset"/>, or after a fork that <see cref="LoopFlags.ForkCheck"/> noticed
/// (ev_fork). libev also resets itself when the kernel reports events of files that were closed: the callback must not mind
/// being called without a fork.
/// </summary>
public sealed class Fork : Watcher<Fork>
{
    /// <summary>Makes a fork watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="callback">Called when the loop was reset.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Fork(Loop loop, Action<Fork, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data) => Create(Native.Kind.Fork, priority);
}
