#if NET8_0_OR_GREATER
using System;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>
/// The calls of a non-blocking socket, none of which throws. False: it would block. Otherwise it is done, with an exception or
/// without.
/// </summary>
internal static class SocketCall
{
    internal static bool TryReceive(Socket socket, Span<byte> buffer, out int count, out Exception? exception)
    {
        try
        {
            count = socket.Receive(buffer, SocketFlags.None, out SocketError error);
            return IsDone(error, out exception);
        }
        catch (ObjectDisposedException e)
        {
            (count, exception) = (0, e);
            return true;
        }
    }

    /// <summary>Sends what is left of the buffer, from <paramref name="sent"/> on; done when that is nothing.</summary>
    internal static bool TrySend(Socket socket, ReadOnlySpan<byte> buffer, ref int sent, out Exception? exception)
    {
        try
        {
            do
            {
                int count = socket.Send(buffer[sent..], SocketFlags.None, out SocketError error);

                if (!IsDone(error, out exception))
                {
                    return false;
                }

                sent += count;
            }
            while (exception is null && sent < buffer.Length);

            return true;
        }
        catch (ObjectDisposedException e)
        {
            exception = e;
            return true;
        }
    }

    internal static bool TryAccept(Socket socket, out Socket? accepted, out Exception? exception)
    {
        (accepted, exception) = (null, null);

        while (true)
        {
            try
            {
                // Accept says "would block" with an exception only: so this is asked first
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
                return false; // another process was faster
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionAborted or SocketError.ConnectionReset)
            {
                accepted?.Dispose(); // nobody is there any more: the next one
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
            return false; // an exception per connection is affordable, and there is no other way to be told
        }
#pragma warning disable CA1031 // whatever else Connect throws is the awaiter's
        catch (Exception e)
#pragma warning restore CA1031
        {
            exception = e;
            return true;
        }
    }

    /// <summary>What became of it, once the socket is writable.</summary>
    internal static bool TryFinishConnect(Socket socket, out Exception? exception)
    {
        try
        {
            var error = (SocketError)(int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;

            // asked for it, the socket notices that it is connected
            return IsDone(error, out exception) && (exception is not null || socket.Connected);
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

    // a Unix domain socket is connected at once; "would block" means that too many are waiting to be accepted
    private static bool IsUnderWay(Socket socket, SocketError error) =>
        error is SocketError.WouldBlock or SocketError.InProgress && socket.AddressFamily != AddressFamily.Unix;
}
#endif
