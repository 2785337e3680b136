#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>Waits for bytes from a socket: the loop's, for one call, or those of a <see cref="LoopStream"/>.</summary>
internal sealed class ReceiveWait : IoWait<int>
{
    private readonly LoopStream? _stream;
    private Socket? _socket;
    private Memory<byte> _buffer;

    internal ReceiveWait(Loop loop, LoopStream? stream = null)
        : base(loop) => _stream = stream;

    internal static ValueTask<int> Begin(Loop loop, Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ReceiveWait wait = loop.Waits.Receives.Take() ?? new ReceiveWait(loop);
        (wait._socket, wait._buffer) = (socket, buffer);
        wait.Begin(FileDescriptor.Of(socket), Events.Read, cancellationToken);
        return new ValueTask<int>(wait, wait.Version);
    }

    internal ValueTask<int> BeginAnywhere(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        (_socket, _buffer) = (socket, buffer);
        short version = Version; // posted, it may be over at any moment
        BeginAnywhere(FileDescriptor.Of(socket), Events.Read, cancellationToken);
        return new ValueTask<int>(this, version);
    }

    private protected override bool IsOver => _stream is { IsDisposed: true };

    private protected override void OnReady(Events revents)
    {
        if (!SocketCall.TryReceive(_socket!, _buffer.Span, out int count, out Exception? exception))
        {
            return;
        }

        if (exception is null)
        {
            Succeed(count);
        }
        else
        {
            Fail(_stream is null ? exception : LoopStream.Wrap(exception));
        }
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        (_socket, _buffer) = (null, default);

        if (_stream is not null)
        {
            _stream.OnReadEnded(isSpoilt);
        }
        else if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Receives.Add(this);
        }
    }
}
#endif
