using System;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>recv and send on the handle of a socket. The members of Socket also copy arguments and record events. For a small message
/// that costs about as much as the system call.</summary>
/// <remarks>The handle is held during the call, so that its number cannot belong to another file. The call does not wait.</remarks>
internal static unsafe class SocketTransfer
{
    /// <summary>Receives.</summary>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    internal static int Receive(SafeSocketHandle handle, Span<byte> buffer, out SocketError error)
    {
        using var reference = new ScopedHandleReference(handle);

        fixed (byte* bytes = buffer)
        {
            return CountOf(Native.mood_socket_receive(reference.Number, bytes, buffer.Length), out error);
        }
    }

    /// <summary>Sends as many bytes as the socket takes.</summary>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    internal static int Send(SafeSocketHandle handle, ReadOnlySpan<byte> buffer, out SocketError error)
    {
        using var reference = new ScopedHandleReference(handle);

        fixed (byte* bytes = buffer)
        {
            return CountOf(Native.mood_socket_send(reference.Number, bytes, buffer.Length), out error);
        }
    }

    // An error is a negated SocketError, except MOOD_SOCKET_ERROR: it is SocketError.SocketError itself, whose value is -1.
    private static int CountOf(int result, out SocketError error)
    {
        error = result >= 0 ? SocketError.Success : result == (int)SocketError.SocketError ? SocketError.SocketError : (SocketError)(-result);
        return Math.Max(result, 0);
    }
}
