using System;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Asynchronous socket operations that wait with a loop.</summary>
/// <remarks>
/// <para>Each member first tries its operation, and waits with the loop only if the operation would block. In steady state they
/// allocate nothing, except the sockets that <see cref="AcceptAsync"/> returns.</para>
/// <para>Call them on the loop's thread. The continuation runs there too: see <see cref="Loop.Delay(double, CancellationToken)"/>.
/// To use a socket on any thread, see <see cref="LoopStream"/>. The socket becomes non-blocking
/// (<see cref="Socket.Blocking"/>).</para>
/// <para>If the socket is disposed during a wait, the wait ends with an <see cref="ObjectDisposedException"/> within a second.
/// To end it at once, cancel it first, or shut the socket down.</para>
/// </remarks>
public static partial class SocketExtensions
{
    /// <summary>Receives the bytes that have arrived, at least one (recv).</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="buffer">The buffer for the bytes. If it is empty, the wait ends as soon as there is something to receive.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>. Then nothing was
    /// received.</param>
    /// <returns>The number of bytes; 0 when the peer has shut down its side.</returns>
    /// <exception cref="SocketException">The connection failed. The await throws it.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="socket"/> or <paramref name="loop"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The socket or the loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public static ValueTask<int> ReceiveAsync(
        this Socket socket, Loop loop, Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        Complete<ReceiveOperation, int>(socket, loop, new ReceiveOperation(socket, buffer), cancellationToken);

    /// <summary>Sends all bytes of a buffer (send).</summary>
    /// <param name="socket">A connected socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="buffer">The bytes to send.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>. Then some of the bytes may
    /// have been sent.</param>
    /// <returns>The number of bytes, which is always the length of the buffer.</returns>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public static ValueTask<int> SendAsync(
        this Socket socket, Loop loop, ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
        Complete<SendOperation, int>(socket, loop, new SendOperation(socket, buffer), cancellationToken);

    /// <summary>Accepts a connection (accept).</summary>
    /// <param name="socket">A listening socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The socket of the connection. It is non-blocking.</returns>
    /// <exception cref="SocketException">The connection cannot be accepted, for example because too many files are open; then it
    /// stays in the backlog. The await throws it.</exception>
    /// <inheritdoc cref="ReceiveAsync" path="/exception[position() > 1]"/>
    public static ValueTask<Socket> AcceptAsync(
        this Socket socket, Loop loop, CancellationToken cancellationToken = default) =>
        Complete<AcceptOperation, Socket>(socket, loop, new AcceptOperation(socket), cancellationToken);

    /// <summary>Connects a socket to an address (connect). <see cref="LoopStream.ConnectAsync(Loop, EndPoint, CancellationToken)"/>
    /// takes host names too.</summary>
    /// <param name="socket">A new socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="endPoint">An address.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>. The socket cannot be used
    /// any more: dispose it.</param>
    /// <returns>A task that ends when the socket is connected.</returns>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a <see cref="DnsEndPoint"/>: looking a name up
    /// would block the loop.</exception>
    /// <exception cref="SocketException">The connection was refused or reset, or timed out. The await throws it.</exception>
    /// <inheritdoc cref="ReceiveAsync" path="/exception[position() > 1]"/>
    public static ValueTask ConnectAsync(
        this Socket socket, Loop loop, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        Validate.NotNull(endPoint, nameof(endPoint));

        if (endPoint is DnsEndPoint)
        {
            throw Error.Argument_HostToConnect(nameof(endPoint));
        }

        Validate.NotNull(socket, nameof(socket));
        Validate.NotNull(loop, nameof(loop));
        using Loop.Claim claim = Enter(socket, loop);

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (SocketCall.TryConnect(socket, endPoint, out Exception? exception))
        {
            return exception is null ? default : ValueTask.FromException(exception);
        }

        return IoWait<ConnectOperation, bool>.Begin(loop, new ConnectOperation(socket), FileDescriptor.Of(socket), cancellationToken)
            .UntypedTask;
    }

    // Tries the operation, and waits with the loop if it would block.
    private static ValueTask<TResult> Complete<TOperation, TResult>(
        Socket socket, Loop loop, TOperation operation, CancellationToken token)
        where TOperation : struct, IIoOperation<TOperation, TResult>
    {
        Validate.NotNull(socket, nameof(socket));
        Validate.NotNull(loop, nameof(loop));
        using Loop.Claim claim = Enter(socket, loop);

        if (token.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<TResult>(token);
        }

        if (loop.Waits.MayTry(socket, operation.Events)
            && operation.TryFinish(Events.None, out TResult result, out Exception? exception))
        {
            return exception is null ? new ValueTask<TResult>(result) : ValueTask.FromException<TResult>(exception);
        }

        return IoWait<TOperation, TResult>.Begin(loop, operation, FileDescriptor.Of(socket), token).Task;
    }

    private static Loop.Claim Enter(Socket socket, Loop loop)
    {
        Loop.Claim claim = loop.ClaimToChange();

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
