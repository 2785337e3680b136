using System;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>The work of an actor on the thread pool. The actor can wait for it.</summary>
internal sealed class Helpers
{
    private int _running;

    public void Run(Action action)
    {
        Interlocked.Increment(ref _running);
        ThreadPool.UnsafeQueueUserWorkItem(
            _ =>
            {
                try
                {
                    action();
                }
                finally
                {
                    Interlocked.Decrement(ref _running);
                }
            },
            null);
    }

    public void Wait()
    {
        var spin = default(SpinWait);

        while (Volatile.Read(ref _running) != 0)
        {
            spin.SpinOnce();
        }
    }
}
