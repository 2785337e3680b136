using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="SocketExtensions.ReceiveFromAsync"/>.</summary>
internal sealed class ReceiveFromWait : IoWait<SocketReceiveFromResult>
{
    // from Begin to OnIdle
    private Socket? _socket;
    private Memory<byte> _buffer;
    private EndPoint? _remote;

    private ReceiveFromWait(Loop loop)
        : base(loop, loop.Waits.ReceivesFrom)
    {
    }

    internal static ValueTask<SocketReceiveFromResult> Begin(
        Loop loop, Socket socket, Memory<byte> buffer, EndPoint remote, CancellationToken cancellationToken)
    {
        FileDescriptor fd = FileDescriptor.Of(socket);
        ReceiveFromWait wait = loop.Waits.ReceivesFrom.Take() ?? new ReceiveFromWait(loop);
        (wait._socket, wait._buffer, wait._remote) = (socket, buffer, remote);
        wait.Begin(fd, Events.Read, cancellationToken);
        return new ValueTask<SocketReceiveFromResult>(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out SocketReceiveFromResult result, out Exception? exception) =>
        SocketCall.TryReceiveFrom(_socket!, _buffer.Span, _remote!, out result, out exception);

    private protected override void OnIdle(bool isSpoilt)
    {
        (_socket, _buffer, _remote) = (null, default, null);
        base.OnIdle(isSpoilt);
    }
}
