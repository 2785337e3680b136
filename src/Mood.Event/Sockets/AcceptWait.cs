using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="SocketExtensions.AcceptAsync"/>.</summary>
internal sealed class AcceptWait : IoWait<Socket>
{
    // the listening socket, from Begin to OnIdle
    private Socket? _socket;

    private AcceptWait(Loop loop)
        : base(loop, loop.Waits.Accepts)
    {
    }

    internal static ValueTask<Socket> Begin(Loop loop, Socket socket, CancellationToken cancellationToken)
    {
        FileDescriptor fd = FileDescriptor.Of(socket);
        AcceptWait wait = loop.Waits.Accepts.Take() ?? new AcceptWait(loop);
        wait._socket = socket;
        wait.Begin(fd, Events.Read, cancellationToken);
        return new ValueTask<Socket>(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out Socket result, out Exception? exception)
    {
        bool isDone = SocketCall.TryAccept(_socket!, out Socket? accepted, out exception);
        result = accepted!;
        return isDone;
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        _socket = null;
        base.OnIdle(isSpoilt);
    }
}
