#if NET8_0_OR_GREATER
using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// Sockets awaited on a loop: what can be done at once is done at once, and the loop waits for the rest. Nothing is allocated
/// in steady state, but for the sockets that <see cref="AcceptAsync"/> returns.
/// <para>
/// All of them are called on the loop's thread, and what follows the await runs there: see
/// <see cref="Loop.Delay(double, CancellationToken)"/>. For other threads there is <see cref="LoopStream"/>. The socket
/// becomes non-blocking if it is not (<see cref="Socket.Blocking"/>). Do not dispose it while it is waited for: a disposed
/// socket has no events any more. Cancel first, or shut it down.
/// </para>
/// </summary>
public static class SocketExtensions
{
    /// <summary>Receives what there is, at least one byte unless the buffer is empty.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="buffer">Where the bytes go. Empty: waits until there are some.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>; nothing was received
    /// then.</param>
    /// <returns>How many bytes; 0 when the peer has shut down its side.</returns>
    /// <exception cref="SocketException">The connection broke. It comes out of the await.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="socket"/> or <paramref name="loop"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The socket or the loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public static ValueTask<int> ReceiveAsync(
        this Socket socket, Loop loop, Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using Loop.Claim claim = Enter(socket, loop);

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        if (loop.Waits.MayTry() && SocketCall.TryReceive(socket, buffer.Span, out int count, out Exception? exception))
        {
            return exception is null ? new ValueTask<int>(count) : ValueTask.FromException<int>(exception);
        }

        return ReceiveWait.Begin(loop, socket, buffer, cancellationToken);
    }

    /// <summary>Sends all bytes.</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="buffer">What to send.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>; some bytes may have been
    /// sent then.</param>
    /// <returns>How many bytes: all of them, as Socket.SendAsync does.</returns>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public static ValueTask<int> SendAsync(
        this Socket socket, Loop loop, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        using Loop.Claim claim = Enter(socket, loop);
        int sent = 0;

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        if (loop.Waits.MayTry() && SocketCall.TrySend(socket, buffer.Span, ref sent, out Exception? exception))
        {
            return exception is null ? new ValueTask<int>(sent) : ValueTask.FromException<int>(exception);
        }

        return SendWait.Begin(loop, socket, buffer, sent, cancellationToken);
    }

    /// <summary>Accepts a connection. The socket that it returns is non-blocking.</summary>
    /// <param name="socket">A listening socket.</param>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The connection's socket.</returns>
    /// <exception cref="SocketException">It cannot be accepted: too many files are open, for example, and the connection
    /// goes on waiting. It comes out of the await.</exception>
    /// <inheritdoc cref="ReceiveAsync" path="/exception[position() > 1]"/>
    public static ValueTask<Socket> AcceptAsync(
        this Socket socket, Loop loop, CancellationToken cancellationToken = default)
    {
        using Loop.Claim claim = Enter(socket, loop);

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<Socket>(cancellationToken);
        }

        if (loop.Waits.MayTry() && SocketCall.TryAccept(socket, out Socket? accepted, out Exception? exception))
        {
            return exception is null ? new ValueTask<Socket>(accepted!) : ValueTask.FromException<Socket>(exception);
        }

        return AcceptWait.Begin(loop, socket, cancellationToken);
    }

    /// <summary>Connects. For host names see <see cref="LoopStream.ConnectAsync(Loop, EndPoint, CancellationToken)"/>.</summary>
    /// <param name="socket">A new socket.</param>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="endPoint">An address.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>; dispose the socket
    /// then.</param>
    /// <returns>What to await.</returns>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a <see cref="DnsEndPoint"/>: asking for a name
    /// would keep the loop waiting.</exception>
    /// <exception cref="SocketException">Nobody answered. It comes out of the await.</exception>
    /// <inheritdoc cref="ReceiveAsync" path="/exception[position() > 1]"/>
    public static ValueTask ConnectAsync(
        this Socket socket, Loop loop, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        Validate.NotNull(endPoint, nameof(endPoint));

        if (endPoint is DnsEndPoint)
        {
            throw Error.Argument_HostName(nameof(endPoint));
        }

        using Loop.Claim claim = Enter(socket, loop);

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (SocketCall.TryConnect(socket, endPoint, out Exception? exception))
        {
            return exception is null ? default : ValueTask.FromException(exception);
        }

        return ConnectWait.Begin(loop, socket, cancellationToken);
    }

    private static Loop.Claim Enter(Socket socket, Loop loop)
    {
        Validate.NotNull(socket, nameof(socket));
        Loop.Claim claim = Validate.NotNull(loop, nameof(loop)).Change();

        try
        {
            if (socket.Blocking)
            {
                socket.Blocking = false;
            }

            return claim;
        }
        catch
        {
            claim.Dispose();
            throw;
        }
    }
}
#endif
