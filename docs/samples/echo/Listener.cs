using System;
using System.Net;
using System.Net.Sockets;

namespace Echo;

/// <summary>The socket that a server listens on.</summary>
internal static class Listener
{
    /// <param name="options">The command line.</param>
    /// <param name="isShared">Whether other listeners use the same port.</param>
    public static Socket Open(Options options, bool isShared)
    {
        var socket = new Socket(options.Host.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };

        try
        {
            if (isShared)
            {
                SharePort(socket);
            }

            socket.Bind(new IPEndPoint(options.Host, options.Port));
            socket.Listen();
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // .NET has no name for this option, and each system has its own number
    private static void SharePort(Socket socket)
    {
        (int level, int option) = OperatingSystem.IsLinux() ? (1, 15)
            : OperatingSystem.IsMacOS() ? (0xffff, 0x0200)
            : throw new PlatformNotSupportedException("--loops needs SO_REUSEPORT, which this sample knows on Linux and macOS.");
        socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
    }
}
