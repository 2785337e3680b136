using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A wait for bytes that go through a socket, for a call on the loop or for a <see cref="LoopStream"/>.</summary>
internal abstract class TransferWait : IoWait<int>
{
    private readonly Events _direction;
    private readonly LoopStream? _stream;

    // The socket, the buffer, and how much of it is done. From Begin to OnIdle.
    private Socket? _socket;
    private Memory<byte> _buffer;
    private int _count;

    /// <summary>Makes an idle wait.</summary>
    /// <param name="loop">The loop that it belongs to.</param>
    /// <param name="direction">Read or Write.</param>
    /// <param name="pool">The pool that takes the idle wait; null for the wait of a stream.</param>
    /// <param name="stream">The stream that uses it again and again, or null.</param>
    private protected TransferWait(Loop loop, Events direction, WaitPool? pool, LoopStream? stream)
        : base(loop, pool)
    {
        _direction = direction;
        _stream = stream;
    }

    private protected sealed override ObjectDisposedException? OwnerDisposed =>
        _stream is { IsDisposed: true } ? Error.ObjectDisposed(_stream) : null;

    /// <summary>Begins a wait on the loop's thread.</summary>
    /// <param name="socket">The socket.</param>
    /// <param name="fd">Its file descriptor.</param>
    /// <param name="buffer">The whole buffer.</param>
    /// <param name="count">How many of its bytes are already transferred.</param>
    /// <param name="cancellationToken">Cancels the wait.</param>
    internal ValueTask<int> Begin(
        Socket socket, FileDescriptor fd, Memory<byte> buffer, int count, CancellationToken cancellationToken)
    {
        (_socket, _buffer, _count) = (socket, buffer, count);
        Begin(fd, _direction, cancellationToken);
        return new ValueTask<int>(this, Version);
    }

    /// <summary>Begins a wait on any thread.</summary>
    /// <returns>The version for the ValueTask: once posted, the wait may end at any moment.</returns>
    internal short BeginAnywhere(Socket socket, Memory<byte> buffer, int count, CancellationToken cancellationToken)
    {
        (_socket, _buffer, _count) = (socket, buffer, count);
        short version = Version;
        BeginAnywhere(FileDescriptor.Of(socket), _direction, cancellationToken);
        return version;
    }

    /// <summary>Tries to transfer bytes.</summary>
    /// <returns>False: it would block.</returns>
    private protected abstract bool TryTransfer(Socket socket, Span<byte> buffer, ref int count, out Exception? exception);

    private protected sealed override bool TryFinish(Events revents, out int result, out Exception? exception)
    {
        bool isDone = TryTransfer(_socket!, _buffer.Span, ref _count, out exception);
        result = _count;

        if (isDone && _stream is not null)
        {
            exception = _stream.ResultOf(exception, isEnd: _direction == Events.Read && result == 0 && !_buffer.IsEmpty);
        }

        return isDone;
    }

    private protected sealed override SafeHandle? FindDrained(int result) =>
        _direction == Events.Read && result < _buffer.Length && _socket!.SocketType == SocketType.Stream ? _socket.SafeHandle : null;

    // After the last byte the program will most likely dispose the socket: then the watcher should be stopped already.
    private protected sealed override bool IsRenewable(int result) => result != 0 || _buffer.IsEmpty;

    private protected sealed override void OnIdle(bool isSpoilt)
    {
        (_socket, _buffer) = (null, default);

        if (_stream is null)
        {
            base.OnIdle(isSpoilt);
        }
        else
        {
            _stream.OnEnded(_direction, isSpoilt);
        }
    }
}
