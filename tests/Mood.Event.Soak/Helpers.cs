using System;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>Work on the thread pool, which the actor can wait for.</summary>
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
