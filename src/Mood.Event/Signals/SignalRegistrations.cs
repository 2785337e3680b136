using System;

namespace Mood.Event;

/// <summary>
/// The process's registrations with the runtime: one for each signal that a watcher listens to. They keep the signal's
/// default action from happening. The loop is fed by a native handler (native/signal.c), which needs no managed thread.
/// </summary>
internal static partial class SignalRegistrations
{
    /// <summary>
    /// Whether the exception says that the runtime refused a registration. When the runtime finds no file descriptor for its pipe, the
    /// initializer of its type throws.
    /// </summary>
    internal static bool IsRefusal(Exception exception) => exception
        is System.IO.IOException or PlatformNotSupportedException or ArgumentException or TypeInitializationException;
}
