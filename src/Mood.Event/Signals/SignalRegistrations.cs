using System;

namespace Mood.Event;

/// <summary>
/// The process's registrations with the runtime: one for each signal that an active watcher listens to. A registration prevents
/// the default action of its signal. It does not feed the loop: a native handler does (native/signal.c), without a managed thread.
/// A signal that another loop watches is refused by mood_signal_start in native/feed.c.
/// </summary>
internal static partial class SignalRegistrations
{
    /// <summary>
    /// Whether the exception says that the runtime refused a registration. A TypeInitializationException says that no file descriptor
    /// was left for the runtime's pipe.
    /// </summary>
    internal static bool IsRefusal(Exception exception) => exception
        is System.IO.IOException or PlatformNotSupportedException or ArgumentException or TypeInitializationException;
}
