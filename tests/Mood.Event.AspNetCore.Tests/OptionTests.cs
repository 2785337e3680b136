using System;
using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Linq;
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
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The options of the transport. <see cref="ListenerTests"/> tests Backends and ReusePort.</summary>
public sealed class OptionTests
{
    private const int Deadline = 60_000;

    [Fact]
    public void The_options_have_defaults_and_limits()
    {
        var options = new LoopTransportOptions();
        Assert.Equal(Environment.ProcessorCount, options.Loops);
        Assert.Equal((Backends.Auto, false, 1024 * 1024, 64 * 1024), (options.Backends, options.UnsafeInlineApplication, options.MaxReadBufferSize, options.MaxWriteBufferSize));
        Assert.Equal((512, true, false), (options.Backlog, options.NoDelay, options.ReusePort));
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Loops = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.Backlog = 0);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxReadBufferSize = -1);
        Assert.Throws<ArgumentOutOfRangeException>(() => options.MaxWriteBufferSize = -1);
        options.MaxReadBufferSize = options.MaxWriteBufferSize = null;
    }

    /// <summary>With UnsafeInlineApplication, the handlers run on the threads of the loops, which get the connections in turn.</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task Loops_and_UnsafeInlineApplication_select_the_threads_of_the_application(Mode mode)
    {
        var threads = new ConcurrentDictionary<string, bool>();
        await using Server server = await Server.StartAsync(mode, transport: o => o.Loops = 3, map: app => app.Map("/thread", (RequestDelegate)(c =>
        {
            threads[Thread.CurrentThread.IsThreadPoolThread ? "pool" : Thread.CurrentThread.Name ?? ""] = true;
            return c.Response.WriteAsync("ran");
        })));

        for (int i = 0; i < 6; i++)
        {
            using HttpClient client = server.Client();

            for (int k = 0; k < 20; k++)
            {
                await client.GetStringAsync("/thread");
                await Task.Delay(1);
            }
        }

        // Until Kestrel waits for input for the first time, requests of a connection may run on the thread pool.
        string[] loops = [.. threads.Keys.Where(t => t != "pool").Order(StringComparer.Ordinal)];
        Assert.Equal(mode == Mode.Pool ? [] : ["Kestrel 0", "Kestrel 1", "Kestrel 2"], loops);
    }

    [Theory(Timeout = Deadline)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task The_sockets_get_NoDelay(bool noDelay)
    {
        await using Server server = await Server.StartAsync(Mode.Pool, transport: o => o.NoDelay = noDelay, map: app => app.Map(
            "/nodelay", (RequestDelegate)(c => c.Response.WriteAsync($"{c.Features.Get<IConnectionSocketFeature>()!.Socket.NoDelay}"))));
        using HttpClient client = server.Client();
        Assert.Equal($"{noDelay}", await client.GetStringAsync("/nodelay"));
        await using ConnectionContext connection = await server.Services.GetRequiredService<IConnectionFactory>().ConnectAsync(server.EndPoint);
        Assert.Equal(noDelay, connection.Features.Get<IConnectionSocketFeature>()!.Socket.NoDelay);
    }

    [Fact(Timeout = Deadline)]
    public async Task The_listening_socket_gets_Backlog()
    {
        using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await using Server server = await Server.StartAsync(Mode.Pool, o => o.ListenHandle((ulong)socket.Handle), o => o.Backlog = 17);
        Assert.Equal(17u, TcpInfo.Read(socket, TcpInfo.Backlog));
    }

    [Theory(Timeout = Deadline)]
    [InlineData(32_000, true)]
    [InlineData(null, false)]
    public async Task MaxReadBufferSize_pauses_the_connection(int? limit, bool isPaused)
    {
        var read = new TaskCompletionSource();
        await using Server server = await Server.StartAsync(Mode.Pool, transport: o => o.MaxReadBufferSize = limit, map: app => app.Map(
            "/later", (RequestDelegate)(async c =>
            {
                await read.Task;
                await c.Request.Body.CopyToAsync(System.IO.Stream.Null);
                await c.Response.WriteAsync("read");
            })));
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("POST /later HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n" + new string('x', 1_000_000));

        if (isPaused)
        {
            await server.Log.UntilAsync("\" paused.");
        }

        read.SetResult();
        await client.ReceiveAsync("read");
        Assert.Equal(isPaused, server.Log.Has("\" paused."));
        Assert.Equal(isPaused, server.Log.Has("\" resumed."));
    }

    [Theory(Timeout = Deadline)]
    [InlineData(10_000, false)]
    [InlineData(null, true)]
    public async Task MaxWriteBufferSize_makes_flushes_wait(int? limit, bool areAllCompleted)
    {
        await using Server server = await Server.StartAsync(Mode.Pool, transport: o => o.MaxWriteBufferSize = limit);
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        ConnectionContext connection = await server.Services.GetRequiredService<IConnectionFactory>().ConnectAsync(listener.LocalEndPoint!);
        using var peer = new RawClient(await listener.AcceptAsync());
        bool isCompleted = true;

        for (int i = 0; i < 500 && isCompleted; i++) // the total of 50 MB is more than the kernel buffers
        {
            isCompleted = connection.Transport.Output.WriteAsync(new byte[100_000]).IsCompleted;
        }

        Assert.Equal(areAllCompleted, isCompleted);
        peer.Reset();
        await connection.DisposeAsync();
    }

    /// <summary>The answers to a batch of requests are sent together and not one by one.</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task Answers_to_pipelined_requests_are_sent_together(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("hello");
        uint before = TcpInfo.Read(client.Socket, TcpInfo.DataSegmentsIn);
        await client.SendAsync(string.Concat(Enumerable.Range(0, 16).Select(i => $"GET /number?{i} HTTP/1.1\r\nHost: h\r\n\r\n")));
        await client.ReceiveAsync("[15]");
        Assert.InRange(TcpInfo.Read(client.Socket, TcpInfo.DataSegmentsIn) - before, 1u, 8u);
    }

    private static class TcpInfo
    {
        // The offsets in Linux's struct tcp_info of tcpi_sacked, which is the limit of a listening socket's queue, and of
        // tcpi_data_segs_in.
        internal const int Backlog = 28, DataSegmentsIn = 152;

        internal static uint Read(Socket socket, int offset)
        {
            byte[] info = new byte[256];
            Assert.InRange(socket.GetRawSocketOption((int)SocketOptionLevel.Tcp, 11, info), offset + 4, info.Length);
            return BinaryPrimitives.ReadUInt32LittleEndian(info.AsSpan(offset));
        }
    }
}
