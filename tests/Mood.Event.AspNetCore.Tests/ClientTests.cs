using System;
using System.Buffers;
using System.IO;
using System.IO.Pipelines;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Connections that the process makes as a client.</summary>
public sealed class ClientTests
{
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_client_connects_over_the_loops_of_the_server(Mode mode)
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
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, but not listening
        await Assert.ThrowsAsync<SocketException>(async () => await factory.ConnectAsync(unused.LocalEndPoint!));
        var otherFamily = new DnsEndPoint("127.0.0.1", server.EndPoint.Port, AddressFamily.InterNetworkV6);
        await Assert.ThrowsAsync<SocketException>(async () => await factory.ConnectAsync(otherFamily));
    }

    /// <summary>HttpClient uses the loops, as a proxy may use it, over TCP and over a Unix socket.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task HttpClient_works_over_the_connection_factory(Mode mode)
    {
        string path = Path.Combine(Path.GetTempPath(), $"mood-{Guid.NewGuid():N}.sock");
        await using Server server = await Server.StartAsync(mode, o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            o.ListenUnixSocket(path);
        });
        IConnectionFactory factory = server.Services.GetRequiredService<IConnectionFactory>();

        foreach (EndPoint endPoint in new EndPoint[] { server.EndPoint, new UnixDomainSocketEndPoint(path) })
        {
            using HttpClient client = server.Client(new SocketsHttpHandler
            {
                ConnectCallback = async (_, token) => new ConnectionStream(await factory.ConnectAsync(endPoint, token)),
            });

            for (int i = 0; i < 20; i++)
            {
                Assert.Equal($"[{i}]", await client.GetStringAsync($"/number?{i}"));
            }

            Assert.Equal(3_000_000, (await client.GetByteArrayAsync("/big?3000000")).Length);
            using HttpResponseMessage response = await client.PostAsync("/length", new ByteArrayContent(new byte[3_000_000]));
            Assert.Equal("3000000", await response.Content.ReadAsStringAsync());
        }
    }

    /// <summary>The peer receives the bytes that were written before Dispose, and then a FIN.</summary>
    [Theory(Timeout = 60_000)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task Dispose_sends_the_bytes_that_were_written(Mode mode)
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

    /// <summary>A connection as the stream that HttpClient needs.</summary>
    private sealed class ConnectionStream(ConnectionContext connection) : Stream
    {
        private readonly Stream _input = connection.Transport.Input.AsStream(), _output = connection.Transport.Output.AsStream();

        public override bool CanRead => true;

        public override bool CanWrite => true;

        public override bool CanSeek => false;

        public override long Length => throw new NotSupportedException();

        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => _input.ReadAsync(buffer, cancellationToken);

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => _output.WriteAsync(buffer, cancellationToken);

        public override Task FlushAsync(CancellationToken cancellationToken) => _output.FlushAsync(cancellationToken);

        public override void Flush() => _output.Flush();

        public override int Read(byte[] buffer, int offset, int count) => _input.Read(buffer, offset, count);

        public override void Write(byte[] buffer, int offset, int count) => _output.Write(buffer, offset, count);

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing)
            {
                connection.Abort();
                _input.Dispose();
                _output.Dispose();
                _ = connection.DisposeAsync().AsTask();
            }

            base.Dispose(disposing);
        }
    }
}
