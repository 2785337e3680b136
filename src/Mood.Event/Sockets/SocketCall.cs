using System;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>The calls of a non-blocking socket. None of them throws.</summary>
/// <remarks>Each returns false if the call would block. It returns true if the call is done; the exception is null if the call
/// succeeded.</remarks>
internal static partial class SocketCall
{
    /// <summary>Receives the bytes that are available, up to the size of the buffer.</summary>
    internal static bool TryReceive(Socket socket, Span<byte> buffer, out int count, out Exception? exception)
    {
        try
        {
            count = SocketTransfer.Receive(socket.SafeHandle, buffer, out SocketError error);
            return IsDone(error, out exception);
        }
        catch (ObjectDisposedException)
        {
            (count, exception) = (0, new ObjectDisposedException(typeof(Socket).FullName));
            return true;
        }
    }

    /// <summary>Sends the buffer from the offset <paramref name="sent"/>, and advances the offset. Done when all bytes are
    /// sent.</summary>
    internal static bool TrySend(Socket socket, ReadOnlySpan<byte> buffer, ref int sent, out Exception? exception)
    {
        do
        {
            if (!TrySendSome(socket, buffer[sent..], out int count, out exception))
            {
                return false;
            }

            sent += count;
        }
        while (exception is null && sent < buffer.Length);

        return true;
    }

    /// <summary>Sends as many bytes as one call of the socket takes.</summary>
    internal static bool TrySendSome(Socket socket, ReadOnlySpan<byte> buffer, out int count, out Exception? exception)
    {
        try
        {
            count = SocketTransfer.Send(socket.SafeHandle, buffer, out SocketError error);
            return IsDone(error, out exception);
        }
        catch (ObjectDisposedException)
        {
            (count, exception) = (0, new ObjectDisposedException(typeof(Socket).FullName));
            return true;
        }
    }

    /// <summary>Accepts a connection, whose socket becomes non-blocking.</summary>
    internal static bool TryAccept(Socket socket, out Socket? accepted, out Exception? exception)
    {
        (accepted, exception) = (null, null);

        while (true)
        {
            try
            {
                // If Accept would block, it throws. Poll is called first, because an exception is expensive.
                if (!socket.Poll(0, SelectMode.SelectRead))
                {
                    return false;
                }

                accepted = socket.Accept();
                accepted.Blocking = false;
                return true;
            }
            catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
            {
                return false; // another process has accepted the connection
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                accepted?.Dispose(); // the peer is gone already: try the next connection
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                accepted?.Dispose();
                (accepted, exception) = (null, e);
                return true;
            }
        }
    }

    /// <summary>Begins to connect.</summary>
    internal static bool TryConnect(Socket socket, EndPoint endPoint, out Exception? exception)
    {
        exception = null;

        try
        {
            socket.Connect(endPoint);
            return true;
        }
        catch (SocketException e) when (IsUnderWay(socket, e.SocketErrorCode))
        {
            return false; // Connect reports this only with an exception. One exception per connection is affordable.
        }
#pragma warning disable CA1031 // any exception: the await throws it
        catch (Exception e)
#pragma warning restore CA1031
        {
            exception = e;
            return true;
        }
    }

    /// <summary>Finishes a connect that is under way, after the loop has reported the socket as writable.</summary>
    internal static bool TryFinishConnect(Socket socket, out Exception? exception)
    {
        exception = null;

        try
        {
            // Polled first, because the error that is read below belongs to the connect only if the connect is over.
            if (!socket.Poll(0, SelectMode.SelectWrite) && !socket.Poll(0, SelectMode.SelectError))
            {
                return false;
            }

            var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;

            // Reading Connected clears the error, so the error is read first. A socket that has no error and is not connected was
            // connected for a moment, and has been reset since.
            if (error == SocketError.Success && !socket.Connected)
            {
                error = SocketError.ConnectionReset;
            }

            return IsDone(error, out exception);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            exception = e;
            return true;
        }
    }

    private static bool IsDone(SocketError error, out Exception? exception)
    {
        exception = error is SocketError.Success or SocketError.WouldBlock ? null : new SocketException((int)error);
        return error != SocketError.WouldBlock;
    }

    // A Unix domain socket connects at once. There, "would block" is an error: the listener's backlog is full.
    private static bool IsUnderWay(Socket socket, SocketError error) =>
        error is SocketError.WouldBlock or SocketError.InProgress && socket.AddressFamily != AddressFamily.Unix;
}
