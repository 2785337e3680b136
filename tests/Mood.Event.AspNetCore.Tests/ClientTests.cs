using System;
using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Connections that the process itself makes.</summary>
public sealed class ClientTests
{
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_client_of_the_same_loops(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        IConnectionFactory factory = server.Services.GetRequiredService<IConnectionFactory>();

        foreach (EndPoint endPoint in new EndPoint[] { server.EndPoint, new DnsEndPoint("localhost", server.EndPoint.Port, AddressFamily.InterNetwork) })
        {
            await using ConnectionContext connection = await factory.ConnectAsync(endPoint);
            await connection.Transport.Output.WriteAsync("GET /big?1000000 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"u8.ToArray());
            long length = 0;

            while (true)
            {
                ReadResult result = await connection.Transport.Input.ReadAsync();
                length += result.Buffer.Length;
                connection.Transport.Input.AdvanceTo(result.Buffer.End);

                if (result.IsCompleted)
                {
                    break;
                }
            }

            Assert.InRange(length, 1_000_000, 1_010_000);
            Assert.Equal(server.EndPoint.Port, ((IPEndPoint)connection.RemoteEndPoint!).Port);
        }

        using var cancelled = new CancellationTokenSource();
        await cancelled.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () => await factory.ConnectAsync(server.EndPoint, cancelled.Token));
        using var unused = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, not listening
        await Assert.ThrowsAsync<SocketException>(async () => await factory.ConnectAsync(unused.LocalEndPoint!));
    }

    /// <summary>The bytes that were written before the end arrive, and the peer sees a FIN.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task Dispose_sends_what_was_written(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode);
        IConnectionFactory factory = server.Services.GetRequiredService<IConnectionFactory>();
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen();
        ConnectionContext connection = await factory.ConnectAsync(listener.LocalEndPoint!);
        using var peer = new RawClient(await listener.AcceptAsync());
        string text = new('x', 3_000_000);
        connection.Transport.Output.Write(Encoding.ASCII.GetBytes(text));
        ValueTask disposed = connection.DisposeAsync();
        Assert.Equal(text.Length, (await peer.ReceiveToEndAsync()).Length);
        await disposed;
    }
}
