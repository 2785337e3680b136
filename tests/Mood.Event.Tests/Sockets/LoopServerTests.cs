using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>LoopServer as its handlers and its clients see it.</summary>
public sealed class LoopServerTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Connections_are_served_and_the_stop_waits_for_their_handlers(Backends backend)
    {
        Loop loop = NewLoop(backend);
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, EchoAsync);
            Socket[] clients = [.. Enumerable.Range(0, 20).Select(_ => Connect(server))];

            foreach (Socket client in clients)
            {
                await CheckEchoAsync(loop, client);
            }

            Assert.Equal(20, server.ConnectionCount);
            Task stop = server.StopAsync(Patience);
            await loop.Delay(0.05);
            Assert.False(stop.IsCompleted);

            foreach (Socket client in clients)
            {
                await CheckEchoAsync(loop, client); // still served
                client.Shutdown(SocketShutdown.Send);
                Assert.Equal(0, await client.ReceiveAsync(loop, new byte[1]));
            }

            await stop;
            Assert.Equal(0, server.ConnectionCount);
            Assert.Throws<SocketException>(() => Connect(server));
            await server.StopAsync(TimeSpan.FromDays(1)); // idempotent
            await server.DisposeAsync();
        });
        AssertIdle(loop);
    }

    [Fact]
    public void After_the_grace_the_token_is_cancelled_and_then_the_connection_is_reset()
    {
        Loop loop = NewLoop();
        var stages = new List<string>();
        loop.CallbackException += (_, e) => stages.Add(e.Exception.GetType().Name);
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                token.Register(() => stages.Add("cancelled"));

                try
                {
                    await stream.ReadAsync(new byte[1], CancellationToken.None); // a handler that ignores its token
                }
                catch (Exception e)
                {
                    stages.Add(e.GetType().Name);
                    throw;
                }
            });
            using Socket client = Connect(server);
            await UntilAsync(loop, () => server.ConnectionCount == 1);
            double began = loop.Now();
            await server.StopAsync(0.2);
            Assert.InRange(loop.Now(update: true) - began, 1.1, 3);
            SocketException reset = await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(loop, new byte[1]));
            Assert.Equal(SocketError.ConnectionReset, reset.SocketErrorCode);
        });
        Assert.Equal(["cancelled", nameof(ObjectDisposedException)], stages);
        AssertIdle(loop);
    }

    [Fact]
    public void The_exceptions_of_callbacks_of_the_token_are_reported_one_by_one()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, async (stream, token) =>
            {
                token.Register(() => throw new FormatException());
                token.Register(() => throw new InvalidTimeZoneException());
                await stream.ReadAsync(new byte[1], token);
            });
            using Socket client = Connect(server);
            await UntilAsync(loop, () => server.ConnectionCount == 1);
            await server.DisposeAsync();
        });
        Assert.Equal([nameof(InvalidTimeZoneException), nameof(FormatException)], reports.Select(e => e.GetType().Name));
    }

    [Fact]
    public void The_exception_of_a_handler_that_is_cancelled_by_other_code_is_reported_with_its_message_and_its_stack_trace()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, CancelAsync);
            using Socket client = Connect(server);
            await UntilAsync(loop, () => reports.Count > 0);
        });
        OperationCanceledException reported = Assert.IsType<OperationCanceledException>(Assert.Single(reports));
        Assert.Equal("the request took too long", reported.Message);
        Assert.Contains(nameof(CancelAsync), reported.StackTrace, StringComparison.Ordinal);

        static async Task CancelAsync(LoopStream stream, CancellationToken token)
        {
            await Task.Yield();
            throw new OperationCanceledException("the request took too long");
        }
    }

    [Fact]
    public void An_address_in_use_is_named()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, EchoAsync);
            SocketException e = Assert.Throws<SocketException>(() => LoopServer.Listen(loop, server.EndPoint, EchoAsync));
            Assert.Equal(SocketError.AddressAlreadyInUse, e.SocketErrorCode);
            Assert.Contains(server.EndPoint.ToString()!, e.Message, StringComparison.Ordinal);
        });
    }

    [Fact]
    public void A_handler_that_never_ends_is_reported_and_not_waited_for()
    {
        Loop loop = NewLoop();
        var reports = new List<CallbackExceptionEventArgs>();
        LoopServer server = null!;
        loop.CallbackException += (_, e) => reports.Add(e);
        loop.Run(async () =>
        {
            server = LoopServer.Listen(loop, AnyPort, (_, _) => new TaskCompletionSource().Task);
            using Socket client = Connect(server);
            await UntilAsync(loop, () => server.ConnectionCount == 1);
            await server.DisposeAsync();
            Assert.Equal(1, server.ConnectionCount);
        });
        Assert.Contains("1 of its handlers still run", Assert.Single(reports).Exception.Message, StringComparison.Ordinal);
        Assert.Equal($"the LoopServer on {server.EndPoint}", reports[0].ToString());
        AssertIdle(loop);
    }

    [Fact]
    public void A_second_stop_shortens_the_grace_and_may_come_from_another_thread()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(loop, AnyPort, EchoAsync);
            using Socket client = Connect(server);
            await CheckEchoAsync(loop, client);
            Task first = server.StopAsync(Timeout.InfiniteTimeSpan);
            Task second = Task.Run(() => server.StopAsync(TimeSpan.FromSeconds(0.05)));
            await Task.WhenAll(first, second);
            Assert.Equal(0, server.ConnectionCount);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void An_exception_of_a_handler_is_reported_and_resets_its_connection_only()
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        int calls = 0;
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, AnyPort, (stream, token) => ++calls switch
            {
                1 => throw new InvalidOperationException("before its first await"),
                2 => FailAsync(stream),
                3 => null!,
                _ => EchoAsync(stream, token),
            });

            for (int i = 0; i < 3; i++)
            {
                using Socket bad = Connect(server);
                bad.Send([1]);
                await Assert.ThrowsAsync<SocketException>(async () => await bad.ReceiveAsync(loop, new byte[1]));
            }

            using Socket good = Connect(server);
            await CheckEchoAsync(loop, good);
        });
        Assert.Equal(["before its first await", "after an await"], reports.Take(2).Select(e => e.Message));
        Assert.Equal(3, reports.Count);
        AssertIdle(loop);

        static async Task FailAsync(LoopStream stream)
        {
            await stream.ReadAsync(new byte[1]);
            throw new InvalidOperationException("after an await");
        }
    }

    [Fact]
    public void Not_more_than_MaxConnections_are_served_and_the_others_wait()
    {
        Loop loop = NewLoop();
        int most = 0, now = 0;
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop,
                AnyPort,
                async (stream, token) =>
                {
                    most = Math.Max(most, ++now);
                    await EchoAsync(stream, token);
                    now--;
                },
                new LoopServerOptions { MaxConnections = 3 });
            Socket[] clients = [.. Enumerable.Range(0, 10).Select(_ => Connect(server))];

            foreach (Socket client in clients) // the server accepts the connections in this order
            {
                await CheckEchoAsync(loop, client);
                client.Dispose();
            }
        });
        Assert.Equal(3, most);
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(1, 3)] // the smallest TimeSpan
    [InlineData(TimeSpan.TicksPerMillisecond * 200, 1)]
    public void A_silent_connection_is_closed_without_spinning(long ticks, double atMost)
    {
        Loop loop = NewLoop();
        var reports = new List<Exception>();
        loop.CallbackException += (_, e) => reports.Add(e.Exception);
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop, AnyPort, EchoAsync, new LoopServerOptions { IdleTimeout = TimeSpan.FromTicks(ticks) });
            using Socket client = Connect(server);
            double began = loop.Now(update: true);
            uint iterations = loop.Iteration;
            await Assert.ThrowsAsync<SocketException>(async () => await client.ReceiveAsync(loop, new byte[1]));
            Assert.InRange(loop.Now(update: true) - began, ticks / (double)TimeSpan.TicksPerSecond, atMost);
            Assert.InRange(loop.Iteration - iterations, 0u, 60u);
            iterations = loop.Iteration;
            await loop.Delay(0.3); // the server must not spin after the last connection either
            Assert.InRange(loop.Iteration - iterations, 0u, 10u);
        });
        Assert.Empty(reports);
        AssertIdle(loop);
    }

    [Fact]
    public void A_connection_that_is_used_outlives_the_idle_timeout()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop, AnyPort, EchoAsync, new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(1) });
            using Socket client = Connect(server);

            for (int i = 0; i < 20; i++)
            {
                await CheckEchoAsync(loop, client);
                await loop.Delay(0.1);
            }
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_silent_connection_that_has_waited_for_the_end_of_another_one_is_closed()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop, AnyPort, EchoAsync, new LoopServerOptions { MaxConnections = 1, IdleTimeout = TimeSpan.FromSeconds(0.4) });
            Socket first = Connect(server);
            await CheckEchoAsync(loop, first);
            using Socket second = Connect(server); // is not accepted yet
            await loop.Delay(0.05);
            first.Dispose();
            await Assert.ThrowsAsync<SocketException>(async () => await second.ReceiveAsync(loop, new byte[1]));
        });
        AssertIdle(loop);
    }

    /// <summary>The server checks its connections every quarter of the time-out.</summary>
    [Fact]
    public void A_new_connection_is_not_closed_before_the_idle_timeout()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        var tokens = new List<CancellationToken>();
        LoopServer server = LoopServer.Listen(
            loop,
            AnyPort,
            async (_, token) =>
            {
                tokens.Add(token);
                await Task.Delay(Timeout.Infinite, token);
            },
            new LoopServerOptions { IdleTimeout = TimeSpan.FromSeconds(4) });
        using Socket first = Accept();
        clock.Advance(loop, 0.9); // directly before the first check
        using Socket second = Accept();
        clock.Advance(loop, 3.9);
        Assert.False(tokens[1].IsCancellationRequested);
        clock.Advance(loop, 1.2);
        Assert.True(tokens[1].IsCancellationRequested);
        server.DisposeAsync().AsTask();

        Socket Accept()
        {
            int before = tokens.Count;
            Socket client = Connect(server);
            Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait) || tokens.Count > before, Patience));
            return client;
        }
    }

    [Fact]
    public void A_value_out_of_range_is_refused_and_changes_nothing()
    {
        var options = new LoopServerOptions();
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Backlog = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxConnections = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.IdleTimeout = TimeSpan.Zero);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.IdleTimeout = TimeSpan.FromTicks(-1));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.ShutdownTimeout = TimeSpan.FromTicks(-1));
        Assert.Equal((512, int.MaxValue, Timeout.InfiniteTimeSpan), (options.Backlog, options.MaxConnections, options.IdleTimeout));
        options.IdleTimeout = options.ShutdownTimeout = TimeSpan.MaxValue;
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>(() => LoopServer.Listen(null!, AnyPort, EchoAsync));
        Assert.Throws<ArgumentNullException>(() => LoopServer.Listen(loop, null!, EchoAsync));
        Assert.Throws<ArgumentNullException>(() => LoopServer.Listen(loop, AnyPort, null!));
        ArgumentException name = Assert.Throws<ArgumentException>("endPoint", () => LoopServer.Listen(loop, new DnsEndPoint("localhost", 1), EchoAsync));
        Assert.Contains("listen on an IPEndPoint", name.Message, StringComparison.Ordinal);
        LoopServer server = LoopServer.Listen(loop, AnyPort, EchoAsync, options);
        Assert.Throws<SocketException>(() => LoopServer.Listen(loop, server.EndPoint, EchoAsync));
        Assert.Throws<ArgumentOutOfRangeException>(() => { server.StopAsync(-0.1); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { server.StopAsync(double.NaN); });
        Assert.Throws<ArgumentOutOfRangeException>(() => { server.StopAsync(TimeSpan.FromTicks(-1)); });
        Assert.True(server.DisposeAsync().IsCompleted); // no thread runs the loop
        loop.Dispose();
        int fds = Posix.OpenFds();
        Assert.Throws<ObjectDisposedException>(() => LoopServer.Listen(loop, AnyPort, EchoAsync));
        Assert.Equal(fds, Posix.OpenFds());
    }

    [Fact]
    public void A_server_listens_on_IPv6()
    {
        Loop loop = NewLoop();
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.IPv6Any, 0), EchoAsync);
            int port = ((IPEndPoint)server.EndPoint).Port;

            foreach (IPAddress address in new[] { IPAddress.IPv6Loopback, IPAddress.Loopback })
            {
                using Socket client = Connect(new IPEndPoint(address, port));
                await CheckEchoAsync(loop, client);
            }
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void The_file_of_a_Unix_socket_is_deleted_unless_another_server_has_replaced_it(bool isReplaced)
    {
        Loop loop = NewLoop();
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());

        try
        {
            loop.Run(async () =>
            {
                LoopServer server = LoopServer.Listen(loop, new UnixDomainSocketEndPoint(path), EchoAsync);
                using Socket client = Connect(server.EndPoint);
                await CheckEchoAsync(loop, client);
                LoopServer? other = null;

                if (isReplaced)
                {
                    File.Delete(path);
                    other = LoopServer.Listen(loop, new UnixDomainSocketEndPoint(path), EchoAsync);
                }

                await server.DisposeAsync();
                Assert.Equal(isReplaced, File.Exists(path));

                if (other is not null)
                {
                    using Socket second = Connect(other.EndPoint);
                    await CheckEchoAsync(loop, second);
                    await other.DisposeAsync();
                    Assert.False(File.Exists(path));
                }
            });
        }
        finally
        {
            File.Delete(path);
        }

        AssertIdle(loop);
    }

    [Fact]
    public void RunAsync_stops_the_server_when_its_token_is_cancelled()
    {
        Loop loop = NewLoop();
        using var stop = new CancellationTokenSource();
        loop.Run(async () =>
        {
            LoopServer server = LoopServer.Listen(
                loop, AnyPort, EchoAsync, new LoopServerOptions { ShutdownTimeout = TimeSpan.Zero });
            using Socket client = Connect(server);
            await CheckEchoAsync(loop, client);
            stop.CancelAfter(50);
            await server.RunAsync(stop.Token);
            Assert.Equal(0, server.ConnectionCount);
            await server.RunAsync(stop.Token); // returns at once, because the token is cancelled
        });
        AssertIdle(loop);
    }

    [Fact]
    public async Task A_server_may_be_made_and_stopped_on_other_threads()
    {
        await using var thread = new LoopThread("server");
        LoopServer server = LoopServer.Listen(thread.Loop, AnyPort, EchoAsync);

        for (int i = 0; i < 10; i++)
        {
            using var client = new TcpClient();
            await client.ConnectAsync((IPEndPoint)server.EndPoint);
            await client.GetStream().WriteAsync(new byte[] { 7 });
            Assert.Equal(1, await client.GetStream().ReadAsync(new byte[1]));
        }

        await Task.WhenAll(Enumerable.Range(0, 8).Select(i => Task.Run(() => server.StopAsync(TimeSpan.FromSeconds(i))))).WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Equal(0, server.ConnectionCount);
    }

    internal static async Task EchoAsync(LoopStream stream, CancellationToken token)
    {
        byte[] buffer = new byte[4096];

        while (await stream.ReadAsync(buffer, token) is int count and > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), token);
        }
    }

    internal static async Task CheckEchoAsync(Loop loop, Socket client)
    {
        byte[] buffer = new byte[3];
        await client.SendAsync(loop, new byte[] { 1, 2, 3 });
        int received = 0;

        while (received < 3)
        {
            int count = await client.ReceiveAsync(loop, buffer.AsMemory(received));
            Assert.True(count > 0, "the server has closed the connection");
            received += count;
        }

        Assert.Equal([1, 2, 3], buffer);
    }

    internal static async Task UntilAsync(Loop loop, Func<bool> condition)
    {
        while (!condition())
        {
            await loop.Delay(0.01);
        }
    }
}
