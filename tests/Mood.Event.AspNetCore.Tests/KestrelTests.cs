using System;
using System.IO;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>
/// Scenarios of Kestrel's own functional tests that depend on the transport and that no other class here has. See scenarios.md.
/// </summary>
public sealed class KestrelTests
{
    private const int Deadline = 60_000;
    private const string Post = "POST /test HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\n\r\n";

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_read_after_a_reset_throws_ConnectionResetException(Mode mode)
    {
        var test = new Handler(async (c, t) =>
        {
            await t.GoOn.Task;
            await c.Request.Body.ReadExactlyAsync(new byte[1]);
        });
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync(Post);
        await test.Begun.Task;
        client.Reset();
        await server.Log.UntilAsync("\" reset.");
        test.GoOn.SetResult();
        Assert.IsType<ConnectionResetException>(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_read_that_waits_ends_with_ConnectionResetException(Mode mode)
    {
        var test = new Handler((c, _) => c.Request.Body.CopyToAsync(Stream.Null));
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync(Post + "first");
        await test.Begun.Task;
        client.Reset();
        Assert.IsType<ConnectionResetException>(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_body_that_ends_early_throws_BadHttpRequestException(Mode mode)
    {
        var test = new Handler((c, _) => c.Request.Body.CopyToAsync(Stream.Null));
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync(Post + "first");
        await test.Begun.Task;
        client.Socket.Shutdown(SocketShutdown.Send);
        Assert.IsType<Microsoft.AspNetCore.Http.BadHttpRequestException>(await test.Ended.Task, exactMatch: false);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Abort_ends_a_read_of_the_handler(Mode mode)
    {
        var test = new Handler(async (c, _) =>
        {
            Task reading = c.Request.Body.CopyToAsync(Stream.Null);
            c.Abort();
            await reading;
        });
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync(Post);
        Assert.IsType<TaskCanceledException>(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_write_after_the_end_of_the_connection_does_nothing(Mode mode)
    {
        var test = new Handler(async (c, t) =>
        {
            await t.GoOn.Task;
            await c.Response.WriteAsync(new string('x', 200_000), default);
        });
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /test HTTP/1.1\r\nHost: h\r\n\r\n");
        await test.Begun.Task;
        client.Reset();
        await server.Log.UntilAsync("\" reset.");
        test.GoOn.SetResult();
        Assert.Null(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_write_with_the_token_of_an_aborted_request_throws(Mode mode)
    {
        var test = new Handler(async (c, _) =>
        {
            var aborted = new TaskCompletionSource();
            using CancellationTokenRegistration registration = c.RequestAborted.Register(aborted.SetResult);
            await aborted.Task;
            await c.Response.WriteAsync(new string('x', 200_000), c.RequestAborted);
        });
        await using Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET /test HTTP/1.1\r\nHost: h\r\n\r\n");
        await test.Begun.Task;
        client.Reset();
        Assert.IsType<OperationCanceledException>(await test.Ended.Task, exactMatch: false);
    }

    /// <summary>A transport that has paused receiving notices the end of the connection when it sends.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_write_notices_that_a_paused_connection_has_ended(Mode mode)
    {
        var test = new Handler(async (c, t) =>
        {
            await t.GoOn.Task;

            while (true)
            {
                await c.Response.Body.WriteAsync(new byte[100_000], c.RequestAborted);
            }
        });
        await using Server server = await test.StartAsync(mode);
        using (RawClient client = await server.ConnectAsync())
        {
            await PauseAsync(client, server, test);
            client.Reset();
        }

        test.GoOn.SetResult();
        Assert.IsType<OperationCanceledException>(await test.Ended.Task, exactMatch: false);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Abort_ends_a_paused_connection(Mode mode)
    {
        var test = new Handler(async (c, t) =>
        {
            await t.GoOn.Task;
            c.Abort();
        });
        await using Server server = await test.StartAsync(mode);
        using (RawClient client = await server.ConnectAsync())
        {
            await PauseAsync(client, server, test);
        }

        test.GoOn.SetResult();
        await server.Log.UntilAsync("\" stopped.");
        Assert.Null(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_stops_while_a_connection_is_paused(Mode mode)
    {
        var test = new Handler((_, t) => t.GoOn.Task);
        Server server = await test.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await PauseAsync(client, server, test);
        Task stopped = server.DisposeAsync().AsTask();
        test.GoOn.SetResult();
        await stopped;
        Assert.Null(await test.Ended.Task);
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task The_token_of_the_connection_is_cancelled_at_its_end(Mode mode)
    {
        foreach (string how in new[] { "fin", "close", "abort" })
        {
            var closed = new TaskCompletionSource();
            await using Server server = await Server.StartAsync(mode, map: app => app.Map("/token", (RequestDelegate)(c =>
            {
                c.Features.Get<IConnectionLifetimeFeature>()!.ConnectionClosed.Register(closed.SetResult);

                if (how == "abort")
                {
                    c.Abort();
                }

                return Task.CompletedTask;
            })));
            using RawClient client = await server.ConnectAsync();
            await client.SendAsync($"GET /token HTTP/1.1\r\nHost: h\r\n{(how == "close" ? "Connection: close\r\n" : "")}\r\n");

            if (how == "fin")
            {
                await client.ReceiveAsync("\r\n\r\n");
                client.Socket.Shutdown(SocketShutdown.Send);
            }

            await closed.Task;
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_middleware_that_fails_affects_no_other_connection(Mode mode)
    {
        int count = 0;
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Use(next => connection =>
            Interlocked.Increment(ref count) % 2 == 1 ? throw new InvalidOperationException("on purpose") : next(connection))));

        for (int i = 0; i < 3; i++)
        {
            using RawClient broken = await server.ConnectAsync();
            Assert.Equal("", await broken.ReceiveToEndAsync());
            using HttpClient client = server.Client();
            Assert.Equal("hello", await client.GetStringAsync("/"));
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_middleware_replaces_and_disposes_the_connection(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Use(_ => async connection =>
        {
            connection.Transport = new Unused();
            await connection.DisposeAsync();
        })));
        using RawClient client = await server.ConnectAsync();
        Assert.Equal("", await client.ReceiveToEndAsync());
    }

    /// <summary>A connection handler, which uses no HTTP, over a Unix socket.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_connection_handler_echoes(Mode mode)
    {
        string path = Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock");
        await using Server server = await Server.StartAsync(mode, o => o.ListenUnixSocket(path, l => l.Run(async connection =>
        {
            while (true)
            {
                ReadResult result = await connection.Transport.Input.ReadAsync();

                if (result.IsCompleted)
                {
                    return;
                }

                foreach (ReadOnlyMemory<byte> piece in result.Buffer)
                {
                    await connection.Transport.Output.WriteAsync(piece);
                }

                connection.Transport.Input.AdvanceTo(result.Buffer.End);
            }
        })));
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path));
        using var client = new RawClient(socket);

        for (int i = 0; i < 20; i++)
        {
            await client.SendAsync($"[message {i}]");
            await client.ReceiveAsync($"[message {i}]");
        }

        socket.Shutdown(SocketShutdown.Send);
        Assert.EndsWith("[message 19]", await client.ReceiveToEndAsync(), StringComparison.Ordinal);
    }

    /// <summary>Sends until the transport pauses receiving.</summary>
    private static async Task PauseAsync(RawClient client, Server server, Handler test)
    {
        await client.SendAsync("POST /test HTTP/1.1\r\nHost: h\r\nContent-Length: 100000000\r\n\r\n");
        client.Socket.Blocking = false;
        byte[] content = new byte[100_000];

        while (!server.Log.Has("\" paused."))
        {
            client.Socket.Send(content, SocketFlags.None, out _);
            await Task.Yield();
        }

        await test.Begun.Task; // a busy thread pool calls the handler late
    }

    /// <summary>A handler of /test, with events that a test can await.</summary>
    private sealed class Handler(Func<HttpContext, Handler, Task> run)
    {
        public TaskCompletionSource Begun { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource GoOn { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>The handler's exception, or null.</summary>
        public TaskCompletionSource<Exception?> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task<Server> StartAsync(Mode mode) => Server.StartAsync(mode, map: app => app.Map("/test", (RequestDelegate)(async c =>
        {
            Begun.SetResult();

            try
            {
                await run(c, this);
                Ended.SetResult(null);
            }
            catch (Exception e)
            {
                Ended.SetResult(e);
                throw;
            }
        })));
    }

    private sealed class Unused : IDuplexPipe
    {
        public PipeReader Input => throw new InvalidOperationException("The transport must not use it.");

        public PipeWriter Output => throw new InvalidOperationException("The transport must not use it.");
    }
}
