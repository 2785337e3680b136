namespace Mood.Event;

/// <content>Whether the runtime or the native library owns the dispositions of signals.</content>
internal static partial class Library
{
    /// <summary>False: there is no PosixSignalRegistration, so native/signal.c installs the handlers of signals.</summary>
    internal static bool HostSignals => false;
}
