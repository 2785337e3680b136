using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Receives the bytes that are available.</summary>
internal readonly struct ReceiveOperation(Socket socket, Memory<byte> buffer) : IIoOperation<ReceiveOperation, int>
{
    private readonly Socket _socket = socket;
    private readonly Memory<byte> _buffer = buffer;

    public Events Events => Events.Read;

    public static WaitPool<IoWait<ReceiveOperation, int>> PoolOf(Waits waits) => waits.Receives;

    public static bool IsRenewable(in ReceiveOperation operation, int result) => IsRenewable(operation._buffer, result);

    public static SafeHandle? FindDrained(in ReceiveOperation operation, int result) =>
        FindDrained(operation._socket, operation._buffer, result);

    public bool TryFinish(Events revents, out int result, out Exception? exception) =>
        SocketCall.TryReceive(_socket, _buffer.Span, out result, out exception);

    // After the last byte the program will most likely dispose the socket: then the watcher should be stopped already.
    internal static bool IsRenewable(Memory<byte> buffer, int result) => result != 0 || buffer.IsEmpty;

    internal static SafeHandle? FindDrained(Socket socket, Memory<byte> buffer, int result) =>
        result < buffer.Length && socket.SocketType == SocketType.Stream ? socket.SafeHandle : null;
}

/// <summary>Sends all bytes of a buffer.</summary>
internal struct SendOperation(Socket socket, ReadOnlyMemory<byte> buffer) : IIoOperation<SendOperation, int>
{
    // The number of bytes that are sent.
    private int _sent;

    public readonly Events Events => Events.Write;

    public static WaitPool<IoWait<SendOperation, int>> PoolOf(Waits waits) => waits.Sends;

    public static long Moved(in SendOperation operation) => operation._sent;

    public bool TryFinish(Events revents, out int result, out Exception? exception)
    {
        bool isDone = SocketCall.TrySend(socket, buffer.Span, ref _sent, out exception);
        result = _sent;
        return isDone;
    }
}

/// <summary>Sends all bytes of a sequence of buffers.</summary>
internal struct SendSequenceOperation(Socket socket, ReadOnlySequence<byte> buffers) : IIoOperation<SendSequenceOperation, long>
{
    private readonly long _length = buffers.Length;
    private ReadOnlySequence<byte> _rest = buffers;

    public readonly Events Events => Events.Write;

    public static WaitPool<IoWait<SendSequenceOperation, long>> PoolOf(Waits waits) => waits.Sequences;

    public static long Moved(in SendSequenceOperation operation) => operation._length - operation._rest.Length;

    public bool TryFinish(Events revents, out long result, out Exception? exception)
    {
        result = _length;
        return SocketCall.TrySend(socket, ref _rest, out exception);
    }
}

/// <summary>Receives a datagram and its sender's address.</summary>
internal readonly struct ReceiveFromOperation(Socket socket, Memory<byte> buffer, EndPoint remote)
    : IIoOperation<ReceiveFromOperation, SocketReceiveFromResult>
{
    public Events Events => Events.Read;

    public static WaitPool<IoWait<ReceiveFromOperation, SocketReceiveFromResult>> PoolOf(Waits waits) => waits.ReceivesFrom;

    public bool TryFinish(Events revents, out SocketReceiveFromResult result, out Exception? exception) =>
        SocketCall.TryReceiveFrom(socket, buffer.Span, remote, out result, out exception);
}

/// <summary>Sends a datagram to an address.</summary>
internal readonly struct SendToOperation(Socket socket, ReadOnlyMemory<byte> buffer, EndPoint remote) : IIoOperation<SendToOperation, int>
{
    public Events Events => Events.Write;

    public static WaitPool<IoWait<SendToOperation, int>> PoolOf(Waits waits) => waits.SendsTo;

    public bool TryFinish(Events revents, out int result, out Exception? exception) =>
        SocketCall.TrySendTo(socket, buffer.Span, remote, out result, out exception);
}

/// <summary>Accepts a connection.</summary>
internal readonly struct AcceptOperation(Socket socket) : IIoOperation<AcceptOperation, Socket>
{
    public Events Events => Events.Read;

    public static WaitPool<IoWait<AcceptOperation, Socket>> PoolOf(Waits waits) => waits.Accepts;

    public bool TryFinish(Events revents, out Socket result, out Exception? exception)
    {
        bool isDone = SocketCall.TryAccept(socket, out Socket? accepted, out exception);
        result = accepted!;
        return isDone;
    }
}

/// <summary>Finishes a connect that is under way.</summary>
internal readonly struct ConnectOperation(Socket socket) : IIoOperation<ConnectOperation, bool>
{
    public Events Events => Events.Write;

    public static WaitPool<IoWait<ConnectOperation, bool>> PoolOf(Waits waits) => waits.Connects;

    // a socket connects once
    public static bool IsRenewable(in ConnectOperation operation, bool result) => false;

    public bool TryFinish(Events revents, out bool result, out Exception? exception)
    {
        result = true;
        return SocketCall.TryFinishConnect(socket, out exception);
    }
}
