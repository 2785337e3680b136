using System;
using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Flushes that come while another thread sends, and flushes that follow one another.</summary>
public sealed class FlushTests
{
    /// <summary>
    /// The loop's thread sends the end of a large piece. When the peer has received it, the loop's thread is about to wait for further
    /// bytes. A byte that another thread flushes at this moment must be sent too.
    /// </summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_flush_is_sent_if_it_comes_when_the_loop_has_just_sent_everything(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, transport: o => o.MaxWriteBufferSize = null);
        IConnectionFactory factory = server.Services.GetRequiredService<IConnectionFactory>();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 4096 };
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        await using ConnectionContext connection = await factory.ConnectAsync(listener.LocalEndPoint!);
        connection.Features.Get<IConnectionSocketFeature>()!.Socket.SendBufferSize = 4096;
        using Socket peer = await listener.AcceptAsync();
        peer.Blocking = false;
        await Task.Run(() => Exchange(connection.Transport.Output, peer, TimeSpan.FromSeconds(2)));
    }

    /// <summary>
    /// Kestrel flushes the body of a chunked answer and then the end of the answer. If the handler does not wait between the two, the
    /// transport must send them with one system call, and the client must be woken once.
    /// </summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task The_flushes_of_an_answer_are_sent_together(Mode mode)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine($"{nameof(The_flushes_of_an_answer_are_sent_together)}: not run, because only Linux counts the segments of a connection");
            return;
        }

        const int Requests = 20;
        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/chunked", (RequestDelegate)(async c =>
        {
            await c.Response.WriteAsync("body");
            await c.Response.Body.FlushAsync();
        })));
        using RawClient client = await server.ConnectAsync();
        int before = 0;

        for (int i = 0; i <= Requests; i++)
        {
            await client.SendAsync("GET /chunked HTTP/1.1\r\nHost: h\r\n\r\n");
            await client.ReceiveAsync(text => text.Split("\r\n0\r\n\r\n").Length == i + 2);
            before = i == 0 ? Segments(client.Socket) : before; // the first request does not count, because it may run on another thread
        }

        Assert.InRange(Segments(client.Socket) - before, 1, Requests + (Requests / 2));
    }

    /// <summary>The guard sends the flushed bytes of a handler that blocks. It must not send the bytes of a handler that ends soon after
    /// the guard has looked. That would cost a thread of the pool, and two system calls for one answer.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task An_answer_that_ends_soon_is_sent_once(Mode mode)
    {
        if (!OperatingSystem.IsLinux())
        {
            Console.WriteLine($"{nameof(An_answer_that_ends_soon_is_sent_once)}: not run, because only Linux counts the segments of a connection");
            return;
        }

        await using Server server = await Server.StartAsync(mode, map: app => app.Map("/soon", (RequestDelegate)(async c =>
        {
            await c.Response.WriteAsync("body");
            await c.Response.Body.FlushAsync();

            for (long begin = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(begin) < TimeSpan.FromMilliseconds(2);)
            {
                Thread.SpinWait(10);
            }
        })));
        using RawClient client = await server.ConnectAsync();
        int soon = 0, twice = 0;
        var watch = Stopwatch.StartNew();

        for (int i = 0; soon < 100 && watch.Elapsed < TimeSpan.FromSeconds(20); i++)
        {
            int before = Segments(client.Socket);
            long begin = Stopwatch.GetTimestamp();
            await client.SendAsync("GET /soon HTTP/1.1\r\nHost: h\r\n\r\n");
            await client.ReceiveAsync(text => text.Split("\r\n0\r\n\r\n").Length == i + 2);

            // On a busy machine most answers may take longer than that: the guard may send them. The first request may run on another thread.
            if (i > 0 && Stopwatch.GetElapsedTime(begin) < TimeSpan.FromMilliseconds(4.5))
            {
                twice += Segments(client.Socket) - before > 1 ? 1 : 0;
                soon++;
            }
        }

        // A thread that loses its processor between two steps may cost an answer a second segment. A guard that sends too early costs most.
        Console.WriteLine($"{nameof(An_answer_that_ends_soon_is_sent_once)}: {soon} answers within the time, {twice} of them in two segments");
        Assert.InRange(twice, 0, Math.Max(1, soon / 20));
    }

    // Reads the field tcpi_data_segs_in of TCP_INFO.
    private static int Segments(Socket socket)
    {
        const int Tcp = 6, TcpInfo = 11, Offset = 152;
        byte[] info = new byte[Offset + sizeof(int)];
        socket.GetRawSocketOption(Tcp, TcpInfo, info);
        return BitConverter.ToInt32(info, Offset);
    }

    private static void Exchange(PipeWriter output, Socket peer, TimeSpan time)
    {
        byte[] piece = new byte[30_000], buffer = new byte[piece.Length];
        var random = new Random(1);

        for (var watch = Stopwatch.StartNew(); watch.Elapsed < time;)
        {
            output.Write<byte>(piece);
            Assert.True(output.FlushAsync().IsCompleted);
            Receive(peer, buffer, piece.Length);
            Thread.SpinWait(random.Next(60));
            output.Write<byte>([1]);
            Assert.True(output.FlushAsync().IsCompleted);
            Receive(peer, buffer, 1);
        }
    }

    private static void Receive(Socket peer, byte[] buffer, int rest)
    {
        for (var watch = Stopwatch.StartNew(); rest > 0;)
        {
            int count = peer.Receive(buffer, 0, rest, SocketFlags.None, out SocketError error);
            Assert.True(error is SocketError.Success or SocketError.WouldBlock, error.ToString());
            Assert.True(watch.Elapsed < TimeSpan.FromSeconds(30), $"{rest} bytes were not sent.");
            rest -= error == SocketError.Success ? count : 0;
        }
    }
}
