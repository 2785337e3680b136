using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The kinds of end points, and how servers start, listen and stop.</summary>
public sealed class ListenerTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Many_restarts_lose_no_file_descriptor(Mode mode)
    {
        await RestartAsync(mode); // opens the files that the process opens only once
        int before = FileDescriptors.Settled();
        int times = int.Parse(Environment.GetEnvironmentVariable("MOOD_EVENT_RESTARTS") ?? "25", System.Globalization.CultureInfo.InvariantCulture);

        for (int i = 0; i < times; i++)
        {
            await RestartAsync(mode);
        }

        await FileDescriptors.UntilAsync(before);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_is_disposed_without_a_stop(Mode mode)
    {
        Server server = await Server.StartAsync(mode);
        using HttpClient client = server.Client();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        await server.DisposeWithoutStopAsync();
        await Assert.ThrowsAsync<HttpRequestException>(() => client.GetStringAsync("/"));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_port_in_use_is_reported(Mode mode)
    {
        await using Server first = await Server.StartAsync(mode);
        IOException e = await Assert.ThrowsAsync<IOException>(() => Server.StartAsync(mode, o => o.Listen(first.EndPoint)));
        Assert.Contains("address already in use", e.Message, StringComparison.Ordinal);
        using HttpClient client = first.Client();
        Assert.Equal("hello", await client.GetStringAsync("/"));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_may_have_several_end_points(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            o.Listen(IPAddress.Loopback, 0);
        });
        using var client = new HttpClient();
        Assert.Equal(2, server.Addresses.Length);

        foreach (Uri address in server.Addresses)
        {
            Assert.Equal("hello", await client.GetStringAsync(address));
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task The_any_address_serves_IPv6_and_IPv4(Mode mode)
    {
        if (!Socket.OSSupportsIPv6)
        {
            Console.WriteLine("Not tested with IPv6: this machine has none.");
            return;
        }

        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.IPv6Any, 0));
        using var client = new HttpClient();
        int port = server.Addresses[0].Port;
        Assert.Equal("hello", await client.GetStringAsync($"http://[::1]:{port}/"));
        Assert.Equal("hello", await client.GetStringAsync($"http://127.0.0.1:{port}/"));
        Assert.StartsWith("::1 ", await client.GetStringAsync($"http://[::1]:{port}/remote"), StringComparison.Ordinal);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_listens_on_a_Unix_socket(Mode mode)
    {
        string path = Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock");

        await using (Server server = await Server.StartAsync(mode, o => o.ListenUnixSocket(path)))
        {
            using HttpClient client = OverUnix(path);
            Assert.Equal("hello", await client.GetStringAsync("/"));
            Assert.Equal(1_000_000, (await client.GetByteArrayAsync("/big?1000000")).Length);
        }

        Assert.False(File.Exists(path));
    }

    /// <summary>A service manager may pass a listening socket to the server.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_listens_on_an_inherited_handle(Mode mode)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        socket.Listen();
        int port = ((IPEndPoint)socket.LocalEndPoint!).Port;
        await using Server server = await Server.StartAsync(mode, o => o.ListenHandle((ulong)socket.Handle));
        using var client = new HttpClient();
        Assert.Equal("hello", await client.GetStringAsync($"http://127.0.0.1:{port}/"));
    }

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task With_ReusePort_every_loop_listens(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, transport: o => o.ReusePort = true);
        await Task.WhenAll(Enumerable.Range(0, 30).Select(async i =>
        {
            using HttpClient client = server.Client();
            Assert.Equal($"[{i}]", await client.GetStringAsync($"/number?{i}"));
        }));

        // A second server can listen on the same port.
        await using Server second = await Server.StartAsync(mode, o => o.Listen(server.EndPoint), o => o.ReusePort = true);
    }

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task Loops_on_other_backends_serve_too(Mode mode)
    {
        foreach (Backends backend in new[] { Backends.Poll, Backends.Select })
        {
            await using Server server = await Server.StartAsync(mode, transport: o => o.Backends = backend);
            using HttpClient client = server.Client();
            Assert.Equal("hello", await client.GetStringAsync("/"));
            Assert.Equal(3_000_000, (await client.GetByteArrayAsync("/big?3000000")).Length);
        }
    }

    /// <summary>On a Unix socket, connect waits while the backlog is full, and each accept lets one more client in. A stop that accepts until
    /// the backlog is empty would thus accept all clients.</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_stop_accepts_no_more_than_the_backlog_can_hold(Mode mode)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine($"{nameof(A_stop_accepts_no_more_than_the_backlog_can_hold)}: not run, because only on Linux connect waits for the backlog.");
            return;
        }

        const int Backlog = 4, Clients = 200;
        var address = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock"));
        await using Server server = await Server.StartAsync(mode, transport: o => (o.Loops, o.Backlog) = (1, Backlog));
        await using IConnectionListener listener = await FactoryOf(server).BindAsync(address);
        using var go = new ManualResetEventSlim();
        await using ConnectionContext blocker = await BlockLoopAsync(server, listener, address, go);
        int connected = 0;
        Thread[] clients = [.. Enumerable.Range(0, Clients).Select(_ => new Thread(() =>
        {
            using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

            try
            {
                socket.Connect(address);
                Interlocked.Increment(ref connected);
                socket.Receive(new byte[1]);
            }
            catch (SocketException)
            {
                // the server has closed the connection, or listens no more
            }
        }, maxStackSize: 256 * 1024))];
        Array.ForEach(clients, c => c.Start());

        // Linux lets one more wait than the backlog says.
        while (Volatile.Read(ref connected) < Backlog + 1)
        {
            await Task.Delay(10);
        }

        ValueTask unbound = listener.UnbindAsync(); // the stop waits for the loop's thread
        go.Set();
        await unbound;
        int accepted = 0;

        while (await listener.AcceptAsync() is ConnectionContext connection)
        {
            accepted++;
            connection.Abort();
            await connection.DisposeAsync();
        }

        Array.ForEach(clients, c => c.Join());
        Assert.Equal(Backlog + 1, accepted);
    }

    /// <summary>A handler that never returns to its loop must not keep the host from stopping.</summary>
    [Fact(Timeout = Deadline)]
    public async Task A_blocked_loop_does_not_keep_the_listener_open()
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock"));
        await using Server server = await Server.StartAsync(Mode.Inline, transport: o => o.Loops = 1);
        await using IConnectionListener listener = await FactoryOf(server).BindAsync(address);
        using var go = new ManualResetEventSlim();
        await using ConnectionContext blocker = await BlockLoopAsync(server, listener, address, go);

        try
        {
            await listener.UnbindAsync();
            Assert.Null(await listener.AcceptAsync());
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            Assert.Throws<SocketException>(() => client.Connect(address));
        }
        finally
        {
            go.Set();
        }
    }

    /// <summary>Kestrel gets a connection before the connection's loop does. If the loop is busy meanwhile, the application may dispose the
    /// socket before the loop watches it.</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_connection_whose_socket_is_disposed_before_it_begins_is_closed(Mode mode)
    {
        var address = new UnixDomainSocketEndPoint(Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock"));
        await using Server server = await Server.StartAsync(mode, transport: o => o.Loops = 2);
        await using IConnectionListener listener = await FactoryOf(server).BindAsync(address);
        using var go = new ManualResetEventSlim();

        // This listener accepts on the second loop, because the server's own listener has the first. The loops get the connections in turn: the
        // first one gets the connection that blocks it, and then that of the last client.
        await using ConnectionContext blocker = await BlockLoopAsync(server, listener, address, go);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        using var last = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(address);
        last.Connect(address);
        await using ConnectionContext other = (await listener.AcceptAsync())!;
        await using ConnectionContext connection = (await listener.AcceptAsync())!;
        connection.Features.Get<IConnectionSocketFeature>()!.Socket.Dispose();
        go.Set();
        await Assert.ThrowsAsync<ConnectionAbortedException>(async () => await connection.Transport.Input.ReadAsync());
        server.Log.AssertNoErrors();
    }

    private static IConnectionListenerFactory FactoryOf(Server server) => server.Services.GetServices<IConnectionListenerFactory>()
        .Single(f => f.GetType().Assembly == typeof(LoopTransportOptions).Assembly);

    /// <summary>Blocks the thread of the loop that serves the next connection until the event is set. In both modes, that thread logs the end of
    /// a connection.</summary>
    private static async Task<ConnectionContext> BlockLoopAsync(
        Server server, IConnectionListener listener, EndPoint address, ManualResetEventSlim until)
    {
        var blocked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        server.Log.OnMessage = message =>
        {
            if (message.EndsWith("received FIN.", StringComparison.Ordinal) && blocked.TrySetResult())
            {
                until.Wait();
            }
        };
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await client.ConnectAsync(address);
        ConnectionContext connection = (await listener.AcceptAsync())!;
        client.Shutdown(SocketShutdown.Send);
        await blocked.Task;
        return connection;
    }

    internal static HttpClient OverUnix(string path) => new(new SocketsHttpHandler
    {
        ConnectCallback = async (_, token) =>
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), token);
            return new NetworkStream(socket, ownsSocket: true);
        },
    })
    {
        BaseAddress = new Uri("http://localhost"),
    };

    private static async Task RestartAsync(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using HttpClient client = server.Client();
        Assert.Equal("hello", await client.GetStringAsync("/"));
        using RawClient idle = await server.ConnectAsync();
    }
}
