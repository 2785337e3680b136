using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="SocketExtensions.SendToAsync"/>.</summary>
internal sealed class SendToWait : IoWait<int>
{
    // from Begin to OnIdle
    private Socket? _socket;
    private ReadOnlyMemory<byte> _buffer;
    private EndPoint? _remote;

    private SendToWait(Loop loop)
        : base(loop, loop.Waits.SendsTo)
    {
    }

    internal static ValueTask<int> Begin(
        Loop loop, Socket socket, ReadOnlyMemory<byte> buffer, EndPoint remote, CancellationToken cancellationToken)
    {
        FileDescriptor fd = FileDescriptor.Of(socket);
        SendToWait wait = loop.Waits.SendsTo.Take() ?? new SendToWait(loop);
        (wait._socket, wait._buffer, wait._remote) = (socket, buffer, remote);
        wait.Begin(fd, Events.Write, cancellationToken);
        return new ValueTask<int>(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out int result, out Exception? exception) =>
        SocketCall.TrySendTo(_socket!, _buffer.Span, _remote!, out result, out exception);

    private protected override void OnIdle(bool isSpoilt)
    {
        (_socket, _buffer, _remote) = (null, default, null);
        base.OnIdle(isSpoilt);
    }
}
