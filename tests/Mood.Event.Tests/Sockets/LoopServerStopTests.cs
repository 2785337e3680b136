using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Stops of a LoopServer by its handlers.</summary>
public sealed class LoopServerStopTests : AwaitTestBase
{
    // Each would wait for the other: the handler for the stop, and the stop for the handler.
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_handler_that_stops_its_server_waits_for_the_other_handlers_only(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<string>();
        loop.Run(async () =>
        {
            LoopServer? server = null;
            server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                byte[] command = new byte[1];
                await stream.ReadExactlyAsync(command, token);

                if (command[0] == 'q')
                {
                    await StopAsync(server!);
                    log.Add($"the others have ended, {server!.ConnectionCount} left");
                    await stream.WriteAsync("bye"u8.ToArray(), token);
                }

                log.Add("handler has ended");
            });
            using Socket one = Connect(server), two = Connect(server), other = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 3);
            one.Send("q"u8);
            two.Send("q"u8);
            await loop.Delay(0.05);
            Task stop = server.StopAsync(Timeout.InfiniteTimeSpan);
            await loop.Delay(0.05);
            Assert.Empty(log);
            other.Send("x"u8); // its handler ends
            await stop.WaitAsync(TimeSpan.FromSeconds(Patience));
            Assert.Equal(3, await one.ReceiveAsync(loop, new byte[3]));
            Assert.Equal(3, await two.ReceiveAsync(loop, new byte[3]));
        });
        Assert.Equal(
            [
                "handler has ended",
                "the others have ended, 2 left",
                "handler has ended",
                "the others have ended, 1 left",
                "handler has ended",
            ],
            log);
        AssertIdle(loop);

        // a handler may call StopAsync on another thread, too
        static async Task StopAsync(LoopServer server) =>
            await Task.Run(async () => await server.StopAsync(Timeout.InfiniteTimeSpan).ConfigureAwait(false)).ConfigureAwait(false);
    }

    [Fact]
    public void The_grace_of_a_handler_that_stops_its_server_counts_for_the_others()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Run(async () =>
        {
            LoopServer? server = null;
            server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                try
                {
                    if (await stream.ReadAsync(new byte[1], token) == 1)
                    {
                        await server!.DisposeAsync();
                        log.Add($"stopped, {server.ConnectionCount} left");
                    }
                }
                catch (OperationCanceledException)
                {
                    log.Add("cancelled");
                }
            });
            using Socket one = Connect(server), other = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 2);
            one.Send("q"u8);
            await LoopServerTests.UntilAsync(loop, () => log.Count == 2);
            await server.StopAsync(0);
        });
        Assert.Equal(["cancelled", "stopped, 1 left"], log);
    }

    // A function that a handler has spawned may outlive it, and then stops the server as any other code does.
    [Fact]
    public void What_a_handler_has_spawned_may_stop_the_server_after_the_handler()
    {
        Loop loop = NewLoop();
        bool isStopped = false;
        loop.Run(async () =>
        {
            LoopServer? server = null;
            server = LoopServer.Listen(loop, AnyPort, (stream, token) =>
            {
                _ = loop.Spawn(async () =>
                {
                    await LoopServerTests.UntilAsync(loop, () => server!.ConnectionCount == 0);
                    await server!.StopAsync(Timeout.InfiniteTimeSpan);
                    isStopped = true;
                });
                return Task.CompletedTask;
            });
            using Socket one = Connect(server);
            await server.RunAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
        });
        Assert.True(isStopped);
    }

    [Fact]
    public void A_task_that_a_handler_has_started_waits_for_all_handlers_when_its_own_has_ended()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Run(async () =>
        {
            LoopServer? server = null;
            Task? job = null;
            server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                byte[] command = new byte[1];
                await stream.ReadExactlyAsync(command, token);

                if (command[0] == 'j')
                {
                    job = JobAsync(server!);
                }
                else if (command[0] == 'q')
                {
                    await server!.StopAsync(Timeout.InfiniteTimeSpan);
                    await loop.Delay(0.1, token);
                    log.Add("handler has ended");
                }
            });
            using Socket starter = Connect(server), stopper = Connect(server), other = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 3);
            starter.Send("j"u8);
            stopper.Send("q"u8);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 2);
            await loop.Delay(0.05);
            other.Send("x"u8); // its handler ends, and the task that the stopper awaits too
            await LoopServerTests.UntilAsync(loop, () => log.Count == 2);
            await job!;
        });
        Assert.Equal(["handler has ended", "stopped, 0 left"], log);

        async Task JobAsync(LoopServer server)
        {
            await server.StopAsync(Timeout.InfiniteTimeSpan);
            log.Add($"stopped, {server.ConnectionCount} left");
        }
    }

    [Fact]
    public void A_handler_that_cancels_the_token_of_RunAsync_does_not_count_as_one_that_awaits_the_stop()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        using var stop = new CancellationTokenSource();
        loop.Run(async () =>
        {
            LoopServer? server = null;
            server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                byte[] command = new byte[1];
                await stream.ReadExactlyAsync(command, token);

                if (command[0] == 'c')
                {
                    await stop.CancelAsync();
                    await loop.Delay(0.2, token);
                    log.Add("the canceller has ended");
                }
                else
                {
                    await server!.StopAsync(Timeout.InfiniteTimeSpan);
                    log.Add($"stopped, {server.ConnectionCount} left");
                }
            });
            using Socket canceller = Connect(server), stopper = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 2);
            Task running = server.RunAsync(stop.Token);
            canceller.Send("c"u8);
            await LoopServerTests.UntilAsync(loop, () => stop.IsCancellationRequested);
            stopper.Send("q"u8);
            await running;
        });
        Assert.Equal(["the canceller has ended", "stopped, 1 left"], log);
    }

    // The other handler would never end, so that the stop ends by the Dispose.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_handler_that_awaits_the_stop_continues_when_the_loop_is_disposed(bool byRunAsync)
    {
        Loop loop = NewLoop();
        bool hasEnded = false;
        Task? stop = null;
        LoopServer? server = null;
        loop.Run(async () =>
        {
            server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                byte[] command = new byte[1];
                await stream.ReadExactlyAsync(command, token);
                stop = byRunAsync ? server!.RunAsync(token) : server!.StopAsync(Timeout.InfiniteTimeSpan);
                await stop;
                hasEnded = true;
            });
            using Socket stopper = Connect(server), other = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 2);
            stopper.Send("q"u8);
            await LoopServerTests.UntilAsync(loop, () => stop is not null);
            await loop.Delay(0.01);
        });
        loop.Dispose();
        Assert.True(hasEnded);
        Assert.Equal(0, server!.ConnectionCount);
    }

    /// <summary>A stop in a timer is no call of the handler that the loop's thread has called before.</summary>
    [Fact]
    public void A_stop_waits_for_the_handlers_if_the_flow_of_ExecutionContexts_is_suppressed()
    {
        Loop loop = NewLoop();
        using AsyncFlowControl flow = ExecutionContext.SuppressFlow();
        LoopServer server = LoopServer.Listen(loop, AnyPort, (_, _) => new TaskCompletionSource().Task);
        RunFor(loop, 0.01); // the server waits for connections
        Connect(server);
        Assert.True(Posix.Until(() => loop.Start(RunFlags.NoWait) && server.ConnectionCount == 1, Patience));
        Task? stop = null;
        loop.Timer(0, 0, (_, _) => stop = server.StopAsync(Timeout.InfiniteTimeSpan)).Start();
        RunFor(loop, 0.05);
        Thread.Sleep(50); // the stop ends on the thread pool
        Assert.False(stop!.IsCompleted);
    }

    [Fact]
    public void A_stop_of_another_thread_ends_if_the_loop_is_disposed_without_running()
    {
        Loop loop = NewLoop();
        LoopServer? server = null;
        loop.Run(async () =>
        {
            server = LoopServer.Listen(loop, AnyPort, LoopServerTests.EchoAsync);
            await loop.Delay(0.01); // the server waits for connections
        });
        Task? stop = null;
        var thread = new Thread(() => stop = server!.StopAsync(Timeout.InfiniteTimeSpan));
        thread.Start();
        thread.Join();
        Assert.False(stop!.IsCompleted);
        loop.Dispose();
        Assert.True(stop.Wait(TimeSpan.FromSeconds(Patience)));
    }
}
