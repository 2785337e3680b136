using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Mood.Event;

/// <summary>Opens listening sockets.</summary>
internal static class ListenSockets
{
    /// <exception cref="AddressInUseException">The address is in use.</exception>
    internal static List<Socket> Open(EndPoint endPoint, LoopTransportOptions options, int count)
    {
        var sockets = new List<Socket>();

        try
        {
            for (int i = 0; i < count; i++)
            {
                // All sockets use the port of the first one, which the kernel may have chosen.
                Socket socket = count > 1
                    ? OpenShared((IPEndPoint)(i == 0 ? endPoint : sockets[0].LocalEndPoint!))
                    : SocketTransportOptions.CreateDefaultBoundListenSocket(endPoint);
                sockets.Add(socket);
                socket.Listen(options.Backlog);
            }

            return sockets;
        }
        catch (Exception e)
        {
            sockets.ForEach(s => s.Dispose());

            if (e is SocketException { SocketErrorCode: SocketError.AddressAlreadyInUse })
            {
                throw new AddressInUseException(e.Message, e); // for this exception, Kestrel throws one that names the address
            }

            throw;
        }
    }

    private static Socket OpenShared(IPEndPoint endPoint)
    {
        if (!OperatingSystem.IsLinux() && !OperatingSystem.IsMacOS())
        {
            throw new PlatformNotSupportedException(
                $"{nameof(LoopTransportOptions)}.{nameof(LoopTransportOptions.ReusePort)} works on Linux and macOS only.");
        }

        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);

        try
        {
            // Kestrel expects [::] to mean every address of this machine.
            if (endPoint.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            // .NET has no name for SO_REUSEPORT, and each system has its own number.
            (int level, int option) = OperatingSystem.IsLinux() ? (1, 15) : (0xffff, 0x0200);
            socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
            socket.Bind(endPoint);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
