using System;

namespace Mood.Event.Soak;

/// <summary>
/// Lets the file descriptors run out while a loop is embedded. A Reset or a new loop may be refused with an exception. Afterwards
/// the embedded loop must work. This runs between rounds, because the limit applies to the whole process.
/// </summary>
internal static class Shortage
{
    public static void Run(int seed)
    {
        var random = new Random(seed);
        using var outer = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        using var inner = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        int seen = 0;

        // Stops the outer loop, because Start(Once) would still wait if the inner loop runs before the outer one waits, as it may after a
        // Reset.
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
        using Timer limit = outer.Timer(20, 0, [Fatal] (_, _) => throw new SoakException("an embedded loop gets no events after a shortage of fds"));
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
            // The shortage has made this call fail.
        }
    }
}
