using System;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/shutdown.md.</summary>
public sealed class ShutdownGuide : LoopTestBase
{
    [Fact]
    public void Run_with_a_token()
    {
        Loop loop = NewLoop();
        bool ended = false;

        loop.Run(
            async token =>
            {
                _ = loop.Spawn(() => WorkAsync(token));
                await loop.Delay(Timeout.InfiniteTimeSpan, token);
            },
            new RunOptions { StopSignals = [Signum.SIGUSR1], ShutdownTimeout = TimeSpan.FromSeconds(5) });

        Assert.True(ended);

        async Task WorkAsync(CancellationToken token)
        {
            Ev.FeedSignal(Signum.SIGUSR1);

            while (!token.IsCancellationRequested)
            {
                await loop.Delay(0.001);
            }

            ended = true;
        }
    }

    [Fact]
    public void Callbacks_only()
    {
        Loop loop = NewLoop();
        int done = 0;
        loop.Timer(0.05, 0, (_, _) => Ev.FeedSignal(Signum.SIGUSR1)).Start();

        bool isStopping = false;
        Timer work = loop.Timer(0, 0.01, (_, _) => done++);
        Signal stop = loop.Signal(Signum.SIGUSR1, (signal, _) =>
        {
            if (isStopping)
            {
                signal.Loop.Stop(BreakHow.All); // at the second signal
            }

            isStopping = true;
            work.Stop(); // starts no more work; Start returns when the rest has ended
        });
        stop.KeepAlive = false;
        stop.Start();
        work.Start();
        loop.Start();

        Assert.True(isStopping && done > 0);
    }

    [Fact]
    public void A_guard_for_the_second_signal()
    {
        Loop loop = NewLoop();
        bool ended = false;
        loop.Timer(0.01, 0, (_, _) => Posix.Kill(Environment.ProcessId, Signum.SIGUSR1)).Start();
        loop.Run(async () =>
        {
            using Signal guard = loop.Signal(Signum.SIGUSR1, (_, _) => { });
            guard.KeepAlive = false;
            guard.Start();

            await foreach (int signum in loop.Signals(Signum.SIGUSR1))
            {
                break;
            }

            await ShutDownAsync(); // a second signal does not kill the process here
        });
        Assert.True(ended);

        async Task ShutDownAsync()
        {
            Posix.Kill(Environment.ProcessId, Signum.SIGUSR1);
            await loop.Delay(0.05);
            ended = true;
        }
    }
}
