using System;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>A wait until the socket has taken all bytes.</summary>
internal sealed class SendWait(Loop loop, WaitPool? pool, LoopStream? stream)
    : TransferWait(loop, Events.Write, pool, stream)
{
    private protected override bool TryTransfer(Socket socket, Span<byte> buffer, ref int count, out Exception? exception) =>
        SocketCall.TrySend(socket, buffer, ref count, out exception);
}
