using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Reads the bytes that are available from a <see cref="LoopStream"/>.</summary>
internal readonly struct ReadOperation(LoopStream stream, Memory<byte> buffer) : IIoOperation<ReadOperation, int>
{
    private readonly LoopStream _stream = stream;
    private readonly Memory<byte> _buffer = buffer;

    public Events Events => Events.Read;

    public static bool IsRenewable(in ReadOperation operation, int result) => ReceiveOperation.IsRenewable(operation._buffer, result);

    public static SafeHandle? FindDrained(in ReadOperation operation, int result) =>
        operation._stream.FindDrained(operation._buffer, result);

    public static ObjectDisposedException? OwnerDisposed(in ReadOperation operation) => operation._stream.FindDisposed();

    public static void OnIdle(in ReadOperation operation, bool isSpoilt) => operation._stream.OnEnded(Events.Read, isSpoilt);

    public bool TryFinish(Events revents, out int result, out Exception? exception) =>
        _stream.TryRead(_buffer.Span, out result, out exception);
}

/// <summary>Writes all bytes of a buffer to a <see cref="LoopStream"/>. The result is not used.</summary>
internal struct WriteOperation(LoopStream stream, ReadOnlyMemory<byte> buffer) : IIoOperation<WriteOperation, int>
{
    private readonly LoopStream _stream = stream;

    // The number of bytes that are sent.
    private int _sent;

    public readonly Events Events => Events.Write;

    public static long Moved(in WriteOperation operation) => operation._sent;

    public static ObjectDisposedException? OwnerDisposed(in WriteOperation operation) => operation._stream.FindDisposed();

    public static void OnIdle(in WriteOperation operation, bool isSpoilt) => operation._stream.OnEnded(Events.Write, isSpoilt);

    public bool TryFinish(Events revents, out int result, out Exception? exception)
    {
        bool isDone = _stream.TryWrite(buffer.Span, ref _sent, out exception);
        result = _sent;
        return isDone;
    }
}
