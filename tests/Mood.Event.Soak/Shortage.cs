using System;

namespace Mood.Event.Soak;

/// <summary>
/// File descriptors run out while a loop is embedded. It runs between rounds, because the limit holds for the whole process. A Reset or a
/// new loop may be refused with an exception. Afterwards the embedded loop works.
/// </summary>
internal static class Shortage
{
    public static void Run(int seed)
    {
        var random = new Random(seed);
        using var outer = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        using var inner = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        int seen = 0;

        // After a Reset the inner loop may run before the outer one waits, and Start(Once) would wait nevertheless: so Stop.
        using Async async = inner.Async((_, _) =>
        {
            seen++;
            outer.Stop();
        });
        using Embed embed = outer.Embed(inner);
        async.Start();
        embed.Start();

        Posix.WithFdsLeft(random.Next(3), () =>
        {
            for (int i = 0; i < 6; i++)
            {
                Try(random.Next(4) switch
                {
                    0 => outer.Reset,
                    1 => inner.Reset,
                    2 => () => new Loop(LoopFlags.NoEnv).Dispose(),
                    _ => async.Send,
                });
                Try(() => outer.Start(RunFlags.NoWait));
            }
        });

        inner.Reset();
        outer.Reset();
        embed.Start();
        int before = seen;
        using Timer limit = outer.Timer(20, 0, [Fatal] (_, _) => throw new SoakException("an embedded loop is deaf after a shortage of fds"));
        limit.Start();
        async.Send();

        while (seen == before)
        {
            outer.Start();
        }
    }

    private static void Try(Action action)
    {
        try
        {
            action();
        }
        catch (EventException)
        {
            // the shortage is an error of this call
        }
    }
}
