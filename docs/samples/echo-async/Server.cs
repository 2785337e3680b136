using System;
using System.Buffers;
using System.Collections.Generic;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// The server. A connection sends back the bytes that it has read before it reads more. So a client that does not read costs one
/// buffer: the buffers of the kernel fill up, and the client must wait.
/// </summary>
internal sealed class Server : IServer
{
    private const int BufferSize = 16 * 1024;

    private readonly LoopServer _server;
    private long _accepted, _bytesIn, _bytesOut;

    /// <param name="loop">The loop that serves.</param>
    /// <param name="options">The command line.</param>
    /// <param name="isShared">Whether other listeners use the same port.</param>
    public Server(Loop loop, Options options, bool isShared = false) => _server = LoopServer.Listen(
        loop,
        new IPEndPoint(options.Host, options.Port),
        EchoAsync,
        new LoopServerOptions
        {
            IdleTimeout = options.Idle > 0 ? TimeSpan.FromSeconds(options.Idle) : Timeout.InfiniteTimeSpan,
            ReusePort = isShared,
        });

    public IPEndPoint EndPoint => (IPEndPoint)_server.EndPoint;

    public Totals Total => new(_server.ConnectionCount, _accepted, _bytesIn, _bytesOut);

    public IReadOnlyList<Totals> Totals => [Total];

    /// <summary>Lets the connections finish for two seconds.</summary>
    public Task StopAsync() => _server.StopAsync(TimeSpan.FromSeconds(2));

    public void Dispose() => _ = _server.StopAsync(TimeSpan.Zero); // the loop goes on until it has stopped

    private async Task EchoAsync(LoopStream stream, CancellationToken token)
    {
        _accepted++;
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);

        try
        {
            while (await stream.ReadAsync(buffer, token) is int count and > 0)
            {
                _bytesIn += count;
                await stream.WriteAsync(buffer.AsMemory(0, count), token);
                _bytesOut += count;
            }
        }
        catch (System.IO.IOException)
        {
            // the client has reset the connection
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
