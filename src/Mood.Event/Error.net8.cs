using System.Net.Sockets;

namespace Mood.Event;

/// <content>Exceptions of sockets.</content>
internal static partial class Error
{
    internal static SocketException Socket_ErrorQueue() => new(
        (int)SocketError.OperationNotSupported,
        "The error queue of the socket holds messages. The program asked for them with SO_ZEROCOPY or SO_TIMESTAMPING, and must "
        + "read them: recvmsg with MSG_ERRQUEUE. Until then the socket is always ready, and no wait is possible.");
}
