#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>Waits until a socket has taken all bytes: the loop's, for one call, or those of a <see cref="LoopStream"/>.</summary>
internal sealed class SendWait : TransferWait
{
    private ReadOnlyMemory<byte> _buffer;
    private int _sent;

    internal SendWait(Loop loop, LoopStream? stream = null)
        : base(loop, stream)
    {
    }

    internal static ValueTask<int> Begin(
        Loop loop, Socket socket, ReadOnlyMemory<byte> buffer, int sent, CancellationToken cancellationToken)
    {
        SendWait wait = loop.Waits.Sends.Take() ?? new SendWait(loop);
        (wait.Socket, wait._buffer, wait._sent) = (socket, buffer, sent);
        wait.Begin(FileDescriptor.Of(socket), Events.Write, cancellationToken);
        return new ValueTask<int>(wait, wait.Version);
    }

    internal ValueTask BeginAnywhere(
        Socket socket, ReadOnlyMemory<byte> buffer, int sent, CancellationToken cancellationToken)
    {
        (Socket, _buffer, _sent) = (socket, buffer, sent);
        short version = Version; // posted, it may be over at any moment
        BeginAnywhere(FileDescriptor.Of(socket), Events.Write, cancellationToken);
        return new ValueTask(this, version);
    }

    private protected override bool Try(Socket socket, out int count, out Exception? exception)
    {
        bool isDone = SocketCall.TrySend(socket, _buffer.Span, ref _sent, out exception);
        count = _sent;
        return isDone;
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        (Socket, _buffer) = (null, default);

        if (Stream is not null)
        {
            Stream.OnWriteEnded(isSpoilt);
        }
        else if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Sends.Add(this);
        }
    }
}
#endif
