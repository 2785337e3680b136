using System;

namespace Mood.Event;

/// <summary>The data of <see cref="Loop.SlowCallback"/> and <see cref="Loop.Blocked"/>.</summary>
public sealed class SlowCallbackEventArgs : EventArgs
{
    internal SlowCallbackEventArgs(Watcher? watcher, string method, TimeSpan duration) =>
        (Watcher, Method, Duration) = (watcher, method, duration);

    /// <summary>The watcher whose callback is slow. Null for a posted action and for <see cref="Loop.Callback"/>.</summary>
    public Watcher? Watcher { get; }

    /// <summary>The name of the callback's method, with its class: "ChatServer.OnTick". A lambda is named after the method that
    /// contains it.</summary>
    public string Method { get; }

    /// <summary>How long the callback took, or has run until now.</summary>
    public TimeSpan Duration { get; }
}
