using System;

namespace Mood.Event;

/// <summary>What <see cref="Loop.CallbackException"/> tells: whose callback threw what.</summary>
public sealed class CallbackExceptionEventArgs : EventArgs
{
    internal CallbackExceptionEventArgs(Watcher? watcher, Exception exception)
    {
        Watcher = watcher;
        Exception = exception;
    }

    /// <summary>The watcher whose callback threw; null: it was posted (<see cref="Loop.Post(Action)"/>), or it is the
    /// continuation of an await.</summary>
#nullable disable annotations // a program whose handler meets watchers only, as most, need not ask
    public Watcher Watcher { get; }
#nullable restore annotations

    /// <summary>What it threw.</summary>
    public Exception Exception { get; }
}
