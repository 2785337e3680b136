#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>Waits for a connection.</summary>
internal sealed class AcceptWait : IoWait<Socket>
{
    private Socket? _socket;

    private AcceptWait(Loop loop)
        : base(loop)
    {
    }

    internal static ValueTask<Socket> Begin(Loop loop, Socket socket, CancellationToken cancellationToken)
    {
        AcceptWait wait = loop.Waits.Accepts.Take() ?? new AcceptWait(loop);
        wait._socket = socket;
        wait.Begin(FileDescriptor.Of(socket), Events.Read, cancellationToken);
        return new ValueTask<Socket>(wait, wait.Version);
    }

    private protected override void OnReady(Events revents)
    {
        if (!SocketCall.TryAccept(_socket!, out Socket? accepted, out Exception? exception))
        {
            return;
        }

        if (exception is null)
        {
            Succeed(accepted!);
        }
        else
        {
            Fail(exception);
        }
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        _socket = null;

        if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Accepts.Add(this);
        }
    }
}
#endif
