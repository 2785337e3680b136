using System;

namespace Mood.Event;

/// <summary>The arguments of <see cref="LoopThread.Failed"/>: a loop, and the exception that ended it.</summary>
public sealed class LoopFailedEventArgs : EventArgs
{
    internal LoopFailedEventArgs(Loop loop, Exception exception)
    {
        Loop = loop;
        Exception = exception;
    }

    /// <summary>The loop. It is disposed.</summary>
    public Loop Loop { get; }

    /// <summary>The exception that left Start: a fatal exception of a callback, or an <see cref="EventException"/>.</summary>
    public Exception Exception { get; }
}
