using System;
using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;

namespace Mood.Event;

/// <content>A single try, without a loop. If it would block, it returns false and does not throw.</content>
public static partial class SocketExtensions
{
    /// <summary>Receives the bytes that have arrived (recv), without waiting. Use it in the callback of an
    /// <see cref="Io"/>.</summary>
    /// <param name="socket">A connected socket. It is made non-blocking. Any thread may use it.</param>
    /// <param name="buffer">The buffer for the bytes.</param>
    /// <param name="count">The number of bytes; 0 when the peer has shut down its side.</param>
    /// <returns>False if there is nothing to receive yet.</returns>
    /// <exception cref="SocketException">The connection failed.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="socket"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    public static bool TryReceive(this Socket socket, Span<byte> buffer, out int count)
    {
        MakeNonBlocking(socket);
        return IsDone(SocketCall.TryReceive(socket, buffer, out count, out Exception? exception), exception);
    }

    /// <summary>Sends bytes (send), as many as the socket takes without waiting.</summary>
    /// <param name="socket">A connected socket. It is made non-blocking. Any thread may use it.</param>
    /// <param name="buffer">The bytes to send.</param>
    /// <param name="count">The number of bytes that were sent, which may be less than the length of the buffer.</param>
    /// <returns>False if the socket takes no bytes now. Then <paramref name="count"/> is 0.</returns>
    /// <inheritdoc cref="TryReceive" path="/exception"/>
    public static bool TrySend(this Socket socket, ReadOnlySpan<byte> buffer, out int count)
    {
        MakeNonBlocking(socket);
        return IsDone(SocketCall.TrySendSome(socket, buffer, out count, out Exception? exception), exception);
    }

    /// <summary>Sends the bytes of several buffers with one system call (sendmsg), as many as the socket takes without
    /// waiting.</summary>
    /// <param name="socket">A connected stream socket. It is made non-blocking. Any thread may use it.</param>
    /// <param name="buffers">The bytes to send.</param>
    /// <param name="count">The number of bytes that were sent, which may be less than the length of the sequence.</param>
    /// <returns>False if the socket takes no bytes now. Then <paramref name="count"/> is 0.</returns>
    /// <inheritdoc cref="TryReceive" path="/exception"/>
    public static bool TrySend(this Socket socket, ReadOnlySequence<byte> buffers, out long count)
    {
        MakeNonBlocking(socket);
        bool isDone = SocketCall.TrySendSome(socket, buffers, out int sent, out Exception? exception);
        count = sent;
        return IsDone(isDone, exception);
    }

    /// <summary>Accepts a connection (accept), without waiting.</summary>
    /// <param name="socket">A listening socket. It is made non-blocking. Any thread may use it.</param>
    /// <param name="accepted">The socket of the connection. It is non-blocking, and closed in child processes.</param>
    /// <returns>False if there is no connection to accept.</returns>
    /// <exception cref="SocketException">The connection cannot be accepted, for example because too many files are open.</exception>
    /// <exception cref="InvalidOperationException">The socket does not listen.</exception>
    /// <inheritdoc cref="TryReceive" path="/exception[position() > 1]"/>
    public static bool TryAccept(this Socket socket, [NotNullWhen(true)] out Socket? accepted)
    {
        MakeNonBlocking(socket);
        return IsDone(SocketCall.TryAccept(socket, out accepted, out Exception? exception), exception);
    }

    private static void MakeNonBlocking(Socket socket)
    {
        if (Validate.NotNull(socket, nameof(socket)).Blocking)
        {
            socket.Blocking = false;
        }
    }

    private static bool IsDone(bool isDone, Exception? exception) => exception is null ? isDone : throw exception;
}
