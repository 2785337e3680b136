using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Host;

/// <summary>The process exits while a loop runs.</summary>
internal static class ExitScenarios
{
    private const int Senders = 16;

    private static readonly TimeSpan s_while = TimeSpan.FromMilliseconds(20);

    /// <summary>
    /// Argument: callback, thread or main, the place that calls Exit. The loop has timers, a signal and an Async. Sixteen threads
    /// send the Async without pause, and stop another loop, which is started again each time.
    /// </summary>
    internal static int Exit(string[] args)
    {
        var loop = new Loop(LoopFlags.NoEnv);
        loop.Timer(0, 0.0005, (_, _) => { }).Start();
        loop.Periodic(0, 0.01, (_, _) => { }).Start();
        loop.Signal(Signum.SIGTERM, (_, _) => { }).Start();
        Async async = loop.Async((_, _) => { });
        async.Start();
        var other = new Loop(LoopFlags.NoEnv);
        other.Timer(1, 1, (_, _) => { }).Start();
        StartBackground(() =>
        {
            while (true)
            {
                other.Start();
            }
        });

        for (int i = 0; i < Senders; i++)
        {
            StartBackground(() =>
            {
                while (true)
                {
                    async.Send();
                    other.Stop(BreakHow.All);
                    Thread.Sleep(0);
                }
            });
        }

        switch (args[0])
        {
            case "callback":
                loop.Timer(s_while, TimeSpan.Zero, (_, _) => Environment.Exit(0)).Start();
                loop.Start();
                return 3;
            case "thread":
                StartBackground(() =>
                {
                    Thread.Sleep(s_while);
                    Environment.Exit(0);
                });
                loop.Start();
                return 3;
            case "main":
                StartBackground(() => loop.Start());
                Thread.Sleep(s_while);
                return 0;
            default:
                throw new ArgumentException(args[0], nameof(args));
        }
    }

    /// <summary>
    /// Argument: callback or main, the place that calls Exit. A LoopThread and a LoopGroup run with timers and continuations, and
    /// sixteen threads post to them.
    /// </summary>
    internal static int ExitLoops(string[] args)
    {
        var thread = new LoopThread("exit");
        var group = new LoopGroup(2);
        Loop[] loops = [thread.Loop, .. group.Loops];
        int calls = 0;

        foreach (Loop loop in loops)
        {
            loop.Post(() => loop.Timer(0, 0.0005, (_, _) => { }).Start());
            _ = loop.InvokeAsync(async () =>
            {
                while (true)
                {
                    await Task.Yield();
                }
            });
        }

        for (int i = 0; i < Senders; i++)
        {
            Loop loop = loops[i % loops.Length];
            StartBackground(() =>
            {
                while (true)
                {
                    loop.Post(() => Interlocked.Increment(ref calls));
                    loop.SynchronizationContext.Send(_ => { }, null);
                    Thread.Sleep(0);
                }
            });
        }

        if (args[0] == "callback")
        {
            thread.Loop.Post(() => thread.Loop.Timer(s_while, TimeSpan.Zero, (_, _) => Environment.Exit(0)).Start());
            Thread.Sleep(Timeout.Infinite);
        }

        while (Volatile.Read(ref calls) == 0)
        {
            Thread.Sleep(1);
        }

        Thread.Sleep(s_while);
        return 0;
    }

    private static void StartBackground(ThreadStart start) => new Thread(start) { IsBackground = true }.Start();
}
