#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>Waits until a socket is connected. Once per connection: it is not kept.</summary>
internal sealed class ConnectWait : IoWait<bool>
{
    private readonly Socket _socket;

    private ConnectWait(Loop loop, Socket socket)
        : base(loop) => _socket = socket;

    internal static ValueTask Begin(Loop loop, Socket socket, CancellationToken cancellationToken)
    {
        var wait = new ConnectWait(loop, socket);
        wait.Begin(FileDescriptor.Of(socket), Events.Write, cancellationToken);
        return new ValueTask(wait, wait.Version);
    }

    private protected override void OnReady(Events revents)
    {
        if (!SocketCall.TryFinishConnect(_socket, out Exception? exception))
        {
            return;
        }

        if (exception is null)
        {
            Succeed(true);
        }
        else
        {
            Fail(exception);
        }
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        if (!Loop.IsClosed && Loop.IsHere)
        {
            Free();
        }
    }
}
#endif
