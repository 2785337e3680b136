namespace Mood.Event;

/// <content>Whether the runtime or the native library owns the dispositions of signals.</content>
internal static partial class Library
{
    /// <summary>True: the runtime has PosixSignalRegistration, which owns the dispositions of signals.</summary>
    internal static bool HostSignals => true;
}
