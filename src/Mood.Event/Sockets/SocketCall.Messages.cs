using System;
using System.Buffers;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Datagrams with an address, and many buffers in one system call.</content>
internal static partial class SocketCall
{
    // the maximum number of buffers in one call on Linux (UIO_MAXIOV)
    private const int MaxBuffers = 1024;

    // Reused by the calls of one thread, so that they do not allocate in steady state. Empty between calls.
    [ThreadStatic]
    private static List<ArraySegment<byte>>? s_buffers;

    internal static bool TryReceiveFrom(
        Socket socket, Span<byte> buffer, EndPoint remote, out SocketReceiveFromResult result, out Exception? exception)
    {
        (result, exception) = (default, null);

        try
        {
            // If ReceiveFrom would block, it throws. Poll is called first, because an exception is expensive. A refusal of the peer is an
            // error without a datagram. ReceiveFrom must read it, because epoll reports it until then.
            if (!socket.Poll(0, SelectMode.SelectRead) && !socket.Poll(0, SelectMode.SelectError))
            {
                return false;
            }

            result.ReceivedBytes = socket.ReceiveFrom(buffer, ref remote);
            result.RemoteEndPoint = remote;
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            return false; // the datagram was damaged, or another process has received it
        }
#pragma warning disable CA1031 // any exception: the await throws it
        catch (Exception e)
#pragma warning restore CA1031
        {
            exception = e;
            return true;
        }
    }

    internal static bool TrySendTo(
        Socket socket, ReadOnlySpan<byte> buffer, EndPoint remote, out int count, out Exception? exception)
    {
        (count, exception) = (0, null);

        try
        {
            count = socket.SendTo(buffer, remote);
            return true;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.WouldBlock)
        {
            return false;
        }
#pragma warning disable CA1031 // any exception: the await throws it
        catch (Exception e)
#pragma warning restore CA1031
        {
            exception = e;
            return true;
        }
    }

    /// <summary>Sends the rest of a sequence, and removes the sent bytes from it. Done when the rest is empty.</summary>
    internal static bool TrySend(Socket socket, ref ReadOnlySequence<byte> rest, out Exception? exception)
    {
        do
        {
            if (!TrySendSome(socket, rest, out int count, out exception))
            {
                return false;
            }

            rest = rest.Slice(count);
        }
        while (exception is null && !rest.IsEmpty);

        return true;
    }

    /// <summary>Sends as many bytes of a sequence as one call of the socket takes.</summary>
    internal static bool TrySendSome(Socket socket, in ReadOnlySequence<byte> buffers, out int count, out Exception? exception) =>
        buffers.IsSingleSegment
            ? TrySendSome(socket, buffers.FirstSpan, out count, out exception)
            : TrySendBuffers(socket, buffers, out count, out exception);

    private static bool TrySendBuffers(Socket socket, ReadOnlySequence<byte> rest, out int count, out Exception? exception)
    {
        List<ArraySegment<byte>> buffers = s_buffers ??= [];

        try
        {
            foreach (ReadOnlyMemory<byte> memory in rest)
            {
                if (memory.IsEmpty)
                {
                    continue;
                }

                // memory that is not an array is copied
                buffers.Add(MemoryMarshal.TryGetArray(memory, out ArraySegment<byte> segment) ? segment : memory.ToArray());

                if (buffers.Count == MaxBuffers)
                {
                    break;
                }
            }

            if (buffers.Count == 0)
            {
                (count, exception) = (0, null);
                return true;
            }

            count = socket.Send(buffers, SocketFlags.None, out SocketError error);
            return IsDone(error, out exception);
        }
        catch (ObjectDisposedException e)
        {
            (count, exception) = (0, e);
            return true;
        }
        finally
        {
            buffers.Clear();
        }
    }
}
