using System.Threading;

namespace Mood.Event;

/// <summary>Starts the threads of the library.</summary>
internal static class BackgroundThread
{
    /// <summary>Starts a thread that inherits no ExecutionContext, so that it does not see, or keep alive, the AsyncLocal values of the
    /// caller.</summary>
    internal static void Start(Thread thread) => thread.UnsafeStart();
}
