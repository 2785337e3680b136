using System;
using System.Buffers;
using System.Diagnostics;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Flushes while another thread sends.</summary>
public sealed class FlushTests
{
    /// <summary>The loop's thread sends the end of a large piece. When the peer has received it, that thread is about to wait for further
    /// bytes. A byte that another thread flushes at this moment must be sent, too.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_flush_at_the_moment_when_the_loop_has_sent_everything(Mode mode)
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
