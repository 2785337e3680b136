using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Overloads with a PosixSignal instead of a number.</content>
public sealed partial class Loop
{
    /// <inheritdoc cref="Event.Signal.Signal(Loop, PosixSignal, Action{Signal, Events}, object, int)"/>
    /// <returns>The watcher, not started.</returns>
    public Signal Signal(PosixSignal signal, Action<Signal, Events> callback, object? data = null, int priority = 0) =>
        new(this, signal, callback, data, priority);

    /// <inheritdoc cref="FeedSignalEvent(int)"/>
    /// <param name="signal">The signal.</param>
    public void FeedSignalEvent(PosixSignal signal) => FeedSignalEvent(Signum.From(signal));
}
