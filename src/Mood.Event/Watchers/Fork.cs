using System;
using System.Runtime.Versioning;

namespace Mood.Event;

/// <summary>
/// Calls back in the first iteration after the loop was reset: by <see cref="Loop.Reset"/>, or because
/// <see cref="LoopFlags.ForkCheck"/> noticed a fork (ev_fork).
/// </summary>
/// <remarks>
/// A program may call <see cref="Loop.Reset"/> without a fork. So the callback must also work in a process that was not forked.
/// </remarks>
public sealed class Fork : Watcher<Fork>
{
    /// <summary>Creates a fork watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="callback">The callback, called after the loop was reset.</param>
    /// <param name="data">The initial <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">The initial <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    /// <exception cref="PlatformNotSupportedException">This is Windows, which has no fork.</exception>
    [UnsupportedOSPlatform("windows")]
    public Fork(Loop loop, Action<Fork, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Platform.CheckFork();
        Create(Native.Kind.Fork, priority);
    }
}
