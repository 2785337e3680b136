using System;
using System.IO;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Streams over handles that are not sockets.</content>
public sealed partial class LoopStream
{
    /// <summary>Tries to read from the socket or the handle. Throws nothing.</summary>
    /// <returns>False: it would block.</returns>
    internal bool TryRead(Span<byte> buffer, out int count, out Exception? exception)
    {
        bool isDone = _handle is null
            ? SocketCall.TryReceive(Socket, buffer, out count, out exception)
            : _handle.TryRead(buffer, out count, out exception);

        if (isDone)
        {
            exception = ResultOf(exception, isEnd: count == 0 && !buffer.IsEmpty);
        }

        return isDone;
    }

    /// <summary>Tries to write the rest of a buffer to the socket or the handle. Throws nothing.</summary>
    /// <returns>False: it would block before all is written.</returns>
    internal bool TryWrite(ReadOnlySpan<byte> buffer, ref int sent, out Exception? exception)
    {
        bool isDone = _handle is null
            ? SocketCall.TrySend(Socket, buffer, ref sent, out exception)
            : _handle.TryWrite(buffer, ref sent, out exception);

        if (isDone)
        {
            exception = ResultOf(exception, isEnd: false);
        }

        return isDone;
    }

    /// <summary>The handle of the socket if the result of a read shows that no more bytes can be received now. Otherwise null, and null
    /// for other handles.</summary>
    internal SafeHandle? FindDrained(Memory<byte> buffer, int result) =>
        _socket is null ? null : ReceiveOperation.FindDrained(_socket, buffer, result);

    private int BlockingRead(Span<byte> buffer)
    {
        int count;

        while (!_handle!.TryRead(buffer, out count))
        {
            _handle.Poll(Events.Read, _readTimeout);
        }

        return count;
    }

    private void BlockingWrite(ReadOnlySpan<byte> buffer)
    {
        int sent = 0;

        while (!_handle!.TryWrite(buffer, ref sent))
        {
            _handle.Poll(Events.Write, _writeTimeout);
        }
    }

    private bool Allows(FileAccess access) => _handle is null || (_handle.Access & access) != 0;

    private void CheckAccess(FileAccess access, string what)
    {
        if (!Allows(access))
        {
            throw Error.NotSupported_Direction(what);
        }
    }
}
