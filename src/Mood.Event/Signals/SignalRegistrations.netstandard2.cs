namespace Mood.Event;

/// <content>netstandard2.0 has no PosixSignalRegistration. There native/signal.c owns the handlers, and nothing is registered.</content>
internal static partial class SignalRegistrations
{
    internal static void Acquire(LoopHandle loop, int signum)
    {
    }

    internal static void Release(LoopHandle loop, int signum)
    {
    }

    internal static void ReleaseAll(LoopHandle loop)
    {
    }
}
