using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The handlers of a LoopServer in a Run with a token.</summary>
public sealed class LoopServerRunTests : AwaitTestBase
{
    private static readonly RunOptions s_options = new() { StopSignals = [Signum.SIGUSR2], ShutdownTimeout = TimeSpan.FromSeconds(20) };

    [Fact]
    public void Run_waits_for_the_handlers_of_a_server_that_the_main_function_has_not_stopped()
    {
        Loop loop = NewLoop();
        Socket? client = null;
        bool hasEnded = false;
        loop.Run(
            async _ =>
            {
                LoopServer server = Listen(loop, async (_, token) =>
                {
                    await loop.Delay(0.2, token); // the server cancels the token only after ShutdownTimeout
                    hasEnded = true;
                });
                client = Connect(server);
                await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
            },
            s_options);
        Assert.True(hasEnded);
        client!.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void When_the_main_function_ends_its_servers_stop(bool fails)
    {
        Loop loop = NewLoop();
        LoopServer? idle = null, busy = null;
        Socket? client = null;
        bool isCancelled = false;
        var endless = new RunOptions { StopSignals = [Signum.SIGUSR2], ShutdownTimeout = Timeout.InfiniteTimeSpan };

        try
        {
            loop.Run(
                async _ =>
                {
                    idle = Listen(loop, WaitAsync);
                    busy = Listen(
                        loop,
                        async (stream, token) =>
                        {
                            using CancellationTokenRegistration registration = token.Register(() => isCancelled = true);
                            Assert.Equal(0, await stream.ReadAsync(new byte[1], token));
                        },
                        new LoopServerOptions { ShutdownTimeout = TimeSpan.FromMilliseconds(50) });
                    client = Connect(busy);
                    await LoopServerTests.UntilAsync(loop, () => busy.ConnectionCount == 1);

                    if (fails)
                    {
                        throw new InvalidTimeZoneException();
                    }
                },
                endless);
        }
        catch (InvalidTimeZoneException) when (fails)
        {
        }

        Assert.True(isCancelled);
        Assert.Equal(0, busy!.ConnectionCount);
        client!.Dispose();
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => Connect(busy)).SocketErrorCode);
        Assert.Equal(SocketError.ConnectionRefused, Assert.Throws<SocketException>(() => Connect(idle!)).SocketErrorCode);
    }

    [Fact]
    public void A_server_that_is_being_stopped_keeps_its_grace_when_the_main_function_ends()
    {
        Loop loop = NewLoop();
        bool hasEnded = false;
        Socket? client = null;
        loop.Run(
            async stop =>
            {
                LoopServer server = Listen(
                    loop,
                    async (_, token) =>
                    {
                        await loop.Delay(0.2, token);
                        hasEnded = true;
                    },
                    new LoopServerOptions { ShutdownTimeout = TimeSpan.Zero });
                client = Connect(server);
                await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
                _ = server.StopAsync(Timeout.InfiniteTimeSpan);
            },
            s_options);
        Assert.True(hasEnded);
        client!.Dispose();
    }

    [Fact]
    public void A_nested_Run_and_a_Run_without_a_token_stop_no_server()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = Listen(loop, WaitAsync);
            await Task.Yield();
            loop.Run(async _ => await loop.Delay(0.01), s_options);
            using Socket client = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
        });
        LoopServer left = Listen(loop, WaitAsync);
        loop.Run(async () => await loop.Delay(0.01));
        Connect(left).Dispose();
    }

    [Fact]
    public void A_dump_names_the_handlers()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = Listen(loop, WaitAsync);
            using Socket first = Connect(server), second = Connect(server);
            await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 2);
            Assert.Contains("LoopServerRunTests.WaitAsync (2 times)", await loop.DescribeAsync(), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_handler_that_the_token_of_RunAsync_cancels_is_not_reported()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        loop.Run(
            async token =>
            {
                await using LoopServer server = Listen(loop, async (_, _) => await loop.Delay(Timeout.InfiniteTimeSpan, token));
                using Socket client = Connect(server);
                await LoopServerTests.UntilAsync(loop, () => server.ConnectionCount == 1);
                Ev.FeedSignal(Signum.SIGUSR2);
                await server.RunAsync(token);
                Assert.Equal(0, server.ConnectionCount);
            },
            s_options);
        Assert.Empty(reports);
    }

    private static LoopServer Listen(Loop loop, Func<LoopStream, CancellationToken, Task> handler, LoopServerOptions? options = null) =>
        LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), handler, options);

    private static async Task WaitAsync(LoopStream stream, CancellationToken token) => Assert.Equal(0, await stream.ReadAsync(new byte[1], token));
}
