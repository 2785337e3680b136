using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="SocketExtensions.ConnectAsync"/>. A socket connects once, so the wait is not kept.</summary>
internal sealed class ConnectWait : IoWait<bool>
{
    private readonly Socket _socket;

    private ConnectWait(Loop loop, Socket socket)
        : base(loop, pool: null) => _socket = socket;

    internal static ValueTask Begin(Loop loop, Socket socket, CancellationToken cancellationToken)
    {
        var wait = new ConnectWait(loop, socket);
        wait.Begin(FileDescriptor.Of(socket), Events.Write, cancellationToken);
        return new ValueTask(wait, wait.Version);
    }

    private protected override bool TryFinish(Events revents, out bool result, out Exception? exception)
    {
        result = true;
        return SocketCall.TryFinishConnect(_socket, out exception);
    }

    private protected override bool IsRenewable(bool result) => false;

    private protected override void OnIdle(bool isSpoilt)
    {
        if (!Loop.IsClosed && Loop.IsHere)
        {
            Free();
        }
    }
}
