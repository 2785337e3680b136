using System;
using System.IO;
using System.Net;

namespace Mood.Event;

/// <content>Exceptions of servers and streams.</content>
internal static partial class Error
{
    internal static ArgumentException Argument_DisposedSocket(string parameter) =>
        new("The Socket is disposed. Only an open socket can be watched.", parameter);

    internal static ArgumentException Argument_HostToConnect(string parameter) =>
        new("A host name must be resolved first. LoopStream.ConnectAsync resolves it. Otherwise resolve it with "
            + "Dns.GetHostAddressesAsync and connect to an IPEndPoint.", parameter);

    internal static ArgumentException Argument_HostToListen(string parameter) =>
        new("A host name must be resolved first. Resolve it with Dns.GetHostAddressesAsync and listen on an IPEndPoint.", parameter);

    internal static ArgumentException Argument_HostToSend(string parameter) =>
        new("A host name must be resolved first. Resolve it with Dns.GetHostAddressesAsync and send to an IPEndPoint.", parameter);

    internal static ArgumentException Argument_StreamSocket(Enum type, string parameter) =>
        new(string.Format(Culture, "A LoopStream needs a stream socket (SocketType.Stream). This one is SocketType.{0}: use "
            + "Socket.ReceiveFromAsync and SendToAsync with the loop.", type), parameter);

    internal static ArgumentException Argument_NotConnected(string parameter) =>
        new("The socket is not connected. Connect it first, for example with Socket.ConnectAsync(loop, endPoint). "
            + "LoopStream.ConnectAsync makes a connected stream.", parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Timeout(int milliseconds, string parameter) =>
        new(parameter, milliseconds, "A timeout must be a positive number of milliseconds, or Timeout.Infinite.");

    internal static InvalidOperationException InvalidOperation_StreamBusy(string what) => new(string.Format(
        Culture, "Another {0} of this stream has not completed. A stream allows one {0} at a time: await the first one.", what));

    internal static IOException IO_Connection(Exception inner) =>
        new(string.Format(Culture, "The connection failed: {0}", inner.Message), inner);

    internal static ArgumentException Argument_NoStream(string parameter) =>
        new("A LoopStream cannot use this handle. If it is a regular file, a directory or a block device, use FileStream or RandomAccess: "
            + "the kernel has no readiness for them. If it is an eventfd, open it with EFD_NONBLOCK: otherwise writing a large value blocks.",
            parameter);

    internal static ArgumentException Argument_StreamAccess(FileAccess access, int error, string parameter) => new(
        string.Format(Culture, "The handle cannot be used for FileAccess.{0} (errno {1}: {2}).", access, error, Describe(error)), parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_IdleTimeout(TimeSpan value, string parameter) =>
        new(parameter, value, "The idle time-out must be longer than zero, or Timeout.InfiniteTimeSpan for none.");

    internal static InvalidOperationException InvalidOperation_HandlersLeft(object endPoint, int count) => new(string.Format(
        Culture,
        "The LoopServer on {0} has stopped, but {1} of its handlers still run. Their tokens are cancelled and their connections "
        + "closed. Pass the token to every await of the handler.",
        endPoint,
        count));

    internal static IOException IO_Handle(int error) =>
        new(string.Format(Culture, "The read or write failed (errno {0}: {1}).", error, Describe(error)), error);

    internal static IOException IO_Timeout() => new("The read or write did not end within ReadTimeout or WriteTimeout.");

    internal static InvalidOperationException InvalidOperation_NoSocket() =>
        new("This LoopStream was made over a handle, so it has no Socket.");

    internal static NotSupportedException NotSupported_Direction(string what) =>
        new(string.Format(Culture, "This LoopStream was made with a FileAccess that does not allow it to {0}.", what));

    internal static string Socket_Listen(object endPoint, Exception inner) =>
        string.Format(Culture, "A LoopServer cannot listen on {0}: {1}", endPoint, inner.Message);

    /// <param name="address">The address, or null if the name was not found.</param>
    /// <param name="name">The name of the host, or null if the program gave an address.</param>
    internal static string Socket_Connect(EndPoint? address, DnsEndPoint? name, Exception inner) => string.Format(
        Culture,
        name is null ? "A LoopStream cannot connect to {0}: {3}"
            : address is null ? "A LoopStream cannot connect to {1}:{2}: {3}" : "A LoopStream cannot connect to {1}:{2} ({0}): {3}",
        address,
        name?.Host,
        name?.Port,
        inner.Message);

    internal static EventException Event_Accept(object endPoint, Exception inner) => new(
        string.Format(
            Culture,
            "The LoopServer on {0} cannot accept connections at present: {1}. New connections wait in the backlog, and the "
            + "server tries again every 0.1 s.",
            endPoint,
            inner.Message),
        inner);

    internal static PlatformNotSupportedException PlatformNotSupported_ReusePort() =>
        new("ReusePort works for IP addresses only, and on Linux and macOS only. Give each server its own port.");
}
