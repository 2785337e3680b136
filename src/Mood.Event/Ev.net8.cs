using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>The overload for PosixSignal.</content>
public static partial class Ev
{
    /// <summary>
    /// Reports a signal to its <see cref="Signal"/> watchers as if the process had received it (ev_feed_signal). Any
    /// thread. Nothing happens if no loop watches the signal.
    /// </summary>
    /// <param name="signal">The signal: a named value, or a raw signal number of this platform.</param>
    /// <exception cref="ArgumentOutOfRangeException">This platform has no such signal.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static void FeedSignal(PosixSignal signal) => FeedSignal(Signum.From(signal));
}
