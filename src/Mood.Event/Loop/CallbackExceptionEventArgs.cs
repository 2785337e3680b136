using System;

namespace Mood.Event;

/// <summary>The arguments of <see cref="Loop.CallbackException"/>: the exception, and the watcher whose callback has thrown
/// it.</summary>
public sealed class CallbackExceptionEventArgs : EventArgs
{
    internal CallbackExceptionEventArgs(Watcher? watcher, Exception exception)
    {
        Watcher = watcher;
        Exception = exception;
    }

    /// <summary>The watcher whose callback has thrown. Null if a posted action (<see cref="Loop.Post(Action)"/>) or the
    /// continuation of an await has thrown.</summary>
    public Watcher? Watcher { get; }

    /// <summary>The exception.</summary>
    public Exception Exception { get; }
}
