using System;

namespace Mood.Event;

/// <summary>What <see cref="LoopThread.Failed"/> tells: which loop was stopped by what.</summary>
public sealed class LoopFailedEventArgs : EventArgs
{
    internal LoopFailedEventArgs(Loop loop, Exception exception)
    {
        Loop = loop;
        Exception = exception;
    }

    /// <summary>The loop; it is disposed.</summary>
    public Loop Loop { get; }

    /// <summary>What left its Start: a fatal exception of a callback, or an <see cref="EventException"/>.</summary>
    public Exception Exception { get; }
}
