using System;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The blocks of memory that hold received bytes and bytes to send. Each block costs a system call, or an entry of one. So long
/// messages get large blocks. A connection with a short message must not hold a large block.</summary>
public sealed class BlockTests
{
    private const int Deadline = 60_000, Small = 4096, Large = 16384;

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_long_message_is_received_in_large_blocks(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        (ConnectionContext connection, Socket peer) = await ConnectAsync(server);
        PipeReader input = connection.Transport.Input;
        Assert.Equal(Small, await ReceiveAsync(2 * Small)); // no message has filled a block yet, so the block is small
        Assert.Equal(2 * Small, await ReceiveAsync(2 * Small));
        Assert.Equal(2 * Small, await ReceiveAsync(2 * Small));
        Assert.Equal(10, await ReceiveAsync(10));
        Assert.Equal(Small, await ReceiveAsync(2 * Small));
        peer.Dispose();
        await connection.DisposeAsync();

        // Sends a message, and returns the length of its first piece.
        async Task<int> ReceiveAsync(int length)
        {
            peer.Send(new byte[length]);
            ReadResult result = await input.ReadAtLeastAsync(length);
            int first = result.Buffer.FirstSpan.Length;
            input.AdvanceTo(result.Buffer.End);
            return first;
        }
    }

    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_long_message_is_written_to_large_blocks(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        (ConnectionContext connection, Socket peer) = await ConnectAsync(server);
        PipeWriter output = connection.Transport.Output;

        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(Small, output.GetSpan().Length);
            output.Advance(Small);
            Assert.Equal(Large, output.GetMemory().Length);
            output.Advance(10);
            Assert.Equal(Large - 10, output.GetSpan().Length); // the rest of the block is not wasted
            output.Advance(Large - 10);
            await output.FlushAsync();
            byte[] buffer = new byte[Small + Large];

            for (int count = 0; count < buffer.Length;)
            {
                count += await peer.ReceiveAsync(buffer.AsMemory(count));
            }
        }

        peer.Dispose();
        await connection.DisposeAsync();
    }

    private static async Task<(ConnectionContext Connection, Socket Peer)> ConnectAsync(Server server)
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        ConnectionContext connection = await server.Services.GetRequiredService<IConnectionFactory>().ConnectAsync(listener.LocalEndPoint!);
        return (connection, await listener.AcceptAsync());
    }
}
