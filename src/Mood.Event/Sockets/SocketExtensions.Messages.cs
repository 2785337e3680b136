using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Datagrams with an address, and many buffers in one system call.</content>
public static partial class SocketExtensions
{
    /// <summary>Receives a datagram and its sender's address (recvfrom).</summary>
    /// <param name="socket">A bound datagram socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="buffer">The buffer for the datagram.</param>
    /// <param name="remote">An address of the family that senders have, such as <c>new IPEndPoint(IPAddress.Any, 0)</c>.</param>
    /// <param name="ct">Ends the wait with an <see cref="OperationCanceledException"/>. Then nothing was received.</param>
    /// <returns>The number of bytes, and the sender's address.</returns>
    /// <exception cref="SocketException">The datagram cannot be received. The await throws it.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="socket"/>, <paramref name="loop"/> or <paramref name="remote"/> is
    /// null.</exception>
    /// <exception cref="ObjectDisposedException">The socket or the loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread, or the socket is not bound.</exception>
    public static ValueTask<SocketReceiveFromResult> ReceiveFromAsync(
        this Socket socket, Loop loop, Memory<byte> buffer, EndPoint remote, CancellationToken ct = default)
    {
        Validate.NotNull(remote, nameof(remote));
        return Complete<ReceiveFromOperation, SocketReceiveFromResult>(socket, loop, new ReceiveFromOperation(socket, buffer, remote), ct);
    }

    /// <summary>Sends a datagram to an address (sendto).</summary>
    /// <param name="socket">A datagram socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="buffer">The datagram.</param>
    /// <param name="remote">The address to send it to.</param>
    /// <param name="ct">Ends the wait with an <see cref="OperationCanceledException"/>. Then nothing was sent.</param>
    /// <returns>The number of bytes.</returns>
    /// <exception cref="SocketException">The datagram cannot be sent. The await throws it.</exception>
    /// <exception cref="ArgumentException"><paramref name="remote"/> is a <see cref="DnsEndPoint"/>: looking a name up would block the
    /// loop.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="socket"/>, <paramref name="loop"/> or <paramref name="remote"/> is
    /// null.</exception>
    /// <exception cref="ObjectDisposedException">The socket or the loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public static ValueTask<int> SendToAsync(
        this Socket socket, Loop loop, ReadOnlyMemory<byte> buffer, EndPoint remote, CancellationToken ct = default)
    {
        Validate.NotNull(remote, nameof(remote));

        if (remote is DnsEndPoint)
        {
            throw Error.Argument_HostToSend(nameof(remote));
        }

        return Complete<SendToOperation, int>(socket, loop, new SendToOperation(socket, buffer, remote), ct);
    }

    /// <summary>Sends all bytes of a sequence of buffers, many buffers in one system call (sendmsg).</summary>
    /// <param name="socket">A connected stream socket.</param>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="buffers">The bytes to send.</param>
    /// <param name="ct">Ends the wait with an <see cref="OperationCanceledException"/>. Then some of the bytes may have been
    /// sent.</param>
    /// <returns>The number of bytes, which is always the length of the sequence.</returns>
    /// <inheritdoc cref="ReceiveAsync" path="/exception"/>
    public static ValueTask<long> SendAsync(
        this Socket socket, Loop loop, ReadOnlySequence<byte> buffers, CancellationToken ct = default) =>
        Complete<SendSequenceOperation, long>(socket, loop, new SendSequenceOperation(socket, buffers), ct);
}
