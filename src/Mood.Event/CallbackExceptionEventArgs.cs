using System;

namespace Mood.Event;

/// <summary>What <see cref="Loop.CallbackException"/> tells: which watcher's callback threw what.</summary>
public sealed class CallbackExceptionEventArgs : EventArgs
{
    internal CallbackExceptionEventArgs(Watcher watcher, Exception exception)
    {
        Watcher = watcher;
        Exception = exception;
    }

    /// <summary>The watcher whose callback threw.</summary>
    public Watcher Watcher { get; }

    /// <summary>What it threw.</summary>
    public Exception Exception { get; }
}
