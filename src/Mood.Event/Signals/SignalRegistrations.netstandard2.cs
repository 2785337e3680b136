namespace Mood.Event;

/// <content>There is no PosixSignalRegistration here: native/signal.c owns the handlers.</content>
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
