using System;
using System.Buffers;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// One connection, with awaits. It sends back the bytes that it has read before it reads more. So a client that does not read costs one
/// buffer: the buffers of the kernel fill up, and the client must wait.
/// </summary>
internal static class Connection
{
    private const int BufferSize = 16 * 1024;

    /// <summary>Serves a connection on the loop's thread.</summary>
    /// <param name="stream">The connection. The server disposes it.</param>
    /// <param name="totals">What the servers have done.</param>
    /// <param name="stop">Cancelled on any thread when the server stops. It ends only the wait for more bytes.</param>
    /// <param name="token">Cancelled on the loop's thread when the connection must end now.</param>
    public static async Task ServeAsync(LoopStream stream, Totals totals, CancellationToken stop, CancellationToken token)
    {
        Interlocked.Increment(ref totals.Accepted);
        byte[] buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
        bool isClosing = false;

        try
        {
            try
            {
                while (await stream.ReadAsync(buffer, stop) is int count and > 0)
                {
                    Interlocked.Add(ref totals.In, count);
                    await stream.WriteAsync(buffer.AsMemory(0, count), token);
                    Interlocked.Add(ref totals.Out, count);
                }
            }
            catch (OperationCanceledException) when (!token.IsCancellationRequested)
            {
                // the server stops, and every byte that was read is answered
            }

            // The client reads the last answers, then this end. If the socket were closed now, bytes that have arrived meanwhile would make
            // the kernel reset the connection, and answers could be lost.
            stream.Socket.Shutdown(SocketShutdown.Send);
            isClosing = true;

            while (await stream.ReadAsync(buffer, token) is int late and > 0)
            {
                Interlocked.Add(ref totals.Late, late);
            }

            Interlocked.Increment(ref totals.Closed);
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            if (!isClosing)
            {
                Interlocked.Increment(ref totals.Cut);
                throw; // the server resets the connection
            }

            Interlocked.Increment(ref totals.Closed);
        }
        catch (Exception e) when (e is IOException or SocketException)
        {
            Interlocked.Increment(ref totals.Broken);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
