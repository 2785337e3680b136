#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>Waits for bytes from a socket: the loop's, for one call, or those of a <see cref="LoopStream"/>.</summary>
internal sealed class ReceiveWait : TransferWait
{
    private Memory<byte> _buffer;

    internal ReceiveWait(Loop loop, LoopStream? stream = null)
        : base(loop, stream)
    {
    }

    internal static ValueTask<int> Begin(Loop loop, Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        ReceiveWait wait = loop.Waits.Receives.Take() ?? new ReceiveWait(loop);
        (wait.Socket, wait._buffer) = (socket, buffer);
        wait.Begin(FileDescriptor.Of(socket), Events.Read, cancellationToken);
        return new ValueTask<int>(wait, wait.Version);
    }

    internal ValueTask<int> BeginAnywhere(Socket socket, Memory<byte> buffer, CancellationToken cancellationToken)
    {
        (Socket, _buffer) = (socket, buffer);
        short version = Version; // posted, it may be over at any moment
        BeginAnywhere(FileDescriptor.Of(socket), Events.Read, cancellationToken);
        return new ValueTask<int>(this, version);
    }

    private protected override bool Try(Socket socket, out int count, out Exception? exception) =>
        SocketCall.TryReceive(socket, _buffer.Span, out count, out exception);

    private protected override void OnIdle(bool isSpoilt)
    {
        (Socket, _buffer) = (null, default);

        if (Stream is not null)
        {
            Stream.OnReadEnded(isSpoilt);
        }
        else if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Receives.Add(this);
        }
    }
}
#endif
