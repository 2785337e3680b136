using System;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>A wait until bytes can be received, or the peer has shut down its side.</summary>
internal sealed class ReceiveWait(Loop loop, WaitPool? pool, LoopStream? stream)
    : TransferWait(loop, Events.Read, pool, stream)
{
    private protected override bool TryTransfer(Socket socket, Span<byte> buffer, ref int count, out Exception? exception) =>
        SocketCall.TryReceive(socket, buffer, out count, out exception);
}
