using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>The overloads that take a <see cref="PosixSignal"/>.</content>
public sealed partial class Signal
{
    /// <inheritdoc cref="Signal(Loop, int, Action{Signal, Events}, object, int)"/>
    /// <param name="signal">The signal: one of the names, or a number of this platform.</param>
    public Signal(
        Loop loop,
        PosixSignal signal,
        Action<Signal, Events> callback,
        object? data = null,
        int priority = 0)
        : this(loop, Event.Signum.From(signal), callback, data, priority)
    {
    }

    /// <inheritdoc cref="Set(int)"/>
    /// <param name="signal">The signal: one of the names, or a number of this platform.</param>
    public void Set(PosixSignal signal) => Set(Event.Signum.From(signal));
}
