using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;
using Timer = Mood.Event.Timer;

namespace Echo;

/// <summary>
/// One connection: what is read is sent back, and nothing is read before that is done. So a client that does not read costs
/// one buffer: the kernel's buffers fill up, and the client has to wait.
/// </summary>
internal sealed class Connection(Loop loop, Server server, Socket socket, double idle) : IDisposable
{
    private const int BufferSize = 16 * 1024;

    private readonly CancellationTokenSource _stop = new();

    /// <summary>Until the peer shuts down its side, the connection breaks, or this is disposed.</summary>
    public async Task ServeAsync()
    {
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        using Timer silence = loop.Timer(0, idle, (_, _) => Dispose());
        silence.Reset(); // from now on; with a Repeat of 0 it does not start at all

        try
        {
            while (await socket.ReceiveAsync(loop, buffer, _stop.Token) is int count and > 0)
            {
                silence.Reset();
                server.BytesIn += count;
                await socket.SendAsync(loop, buffer.AsMemory(0, count), _stop.Token);
                silence.Reset();
                server.BytesOut += count;
            }

            socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // the connection, its time, or the loop: in any case it is over
        }
        finally
        {
            socket.Dispose(); // nothing waits for it any more
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Ends what it waits for, and so the connection.</summary>
    public void Dispose() => _stop.Cancel();
}
