using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A wait until the socket has taken all bytes of a sequence of buffers.</summary>
internal sealed class SequenceWait : IoWait<long>
{
    // From Begin to OnIdle: the socket, what is left to send, and the length of the whole sequence.
    private Socket? _socket;
    private ReadOnlySequence<byte> _rest;
    private long _length;

    private SequenceWait(Loop loop)
        : base(loop, loop.Waits.Sequences)
    {
    }

    internal static ValueTask<long> Begin(
        Loop loop, Socket socket, ReadOnlySequence<byte> rest, long length, CancellationToken cancellationToken)
    {
        FileDescriptor fd = FileDescriptor.Of(socket);
        SequenceWait wait = loop.Waits.Sequences.Take() ?? new SequenceWait(loop);
        (wait._socket, wait._rest, wait._length) = (socket, rest, length);
        wait.Begin(fd, Events.Write, cancellationToken);
        return new ValueTask<long>(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out long result, out Exception? exception)
    {
        result = _length;
        return SocketCall.TrySend(_socket!, ref _rest, out exception);
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        (_socket, _rest) = (null, default);
        base.OnIdle(isSpoilt);
    }
}
