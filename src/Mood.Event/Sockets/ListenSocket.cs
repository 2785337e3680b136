using System;
using System.IO;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event;

/// <summary>The listening socket of a server.</summary>
internal sealed class ListenSocket : IDisposable
{
    // The identity of the file that Bind made for a Unix domain socket. Null for other sockets.
    private readonly (long Device, long Inode)? _file;
    private readonly string? _path;

    private ListenSocket(Socket socket, EndPoint endPoint)
    {
        Socket = socket;
        EndPoint = endPoint;

        if (endPoint is UnixDomainSocketEndPoint && endPoint.ToString() is { Length: > 0 } path && path[0] is not ('@' or '\0'))
        {
            _path = Path.GetFullPath(path);
            _file = Native.FileIdentity(_path);
        }
    }

    internal Socket Socket { get; }

    /// <summary>The address, with the port that the kernel has chosen.</summary>
    internal EndPoint EndPoint { get; }

    internal static ListenSocket Open(EndPoint endPoint, LoopServerOptions options)
    {
        bool isUnix = endPoint.AddressFamily == AddressFamily.Unix;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);

        try
        {
            // [::] means every address of this machine, as in other servers.
            if (endPoint is IPEndPoint ip && ip.Address.Equals(IPAddress.IPv6Any))
            {
                socket.DualMode = true;
            }

            if (options.ReusePort)
            {
                ReusePort(socket, isUnix);
            }

            socket.Blocking = false;
            socket.Bind(endPoint);
            socket.Listen(options.Backlog);
            return new ListenSocket(socket, isUnix ? endPoint : socket.LocalEndPoint!);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new SocketException((int)e.SocketErrorCode, Error.Socket_Listen(endPoint, e));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Closes the socket, and deletes the file of a Unix domain socket if no other server has replaced it.</summary>
    public void Dispose()
    {
        if (_path is null)
        {
            Socket.Dispose();
            return;
        }

        // Socket.Dispose deletes the file in any case. So it is called only while the file is this socket's.
        if (_file is not null && Native.FileIdentity(_path) == _file)
        {
            Socket.Dispose();
        }
        else
        {
            Socket.SafeHandle.Dispose();
#pragma warning disable CA1816 // the socket's finalizer would delete the file too
            GC.SuppressFinalize(Socket);
#pragma warning restore CA1816
        }
    }

    // .NET has no name for this option, and each system has its own number.
    private static void ReusePort(Socket socket, bool isUnix)
    {
        if (isUnix || !(OperatingSystem.IsLinux() || OperatingSystem.IsMacOS()))
        {
            throw Error.PlatformNotSupported_ReusePort();
        }

        (int level, int option) = OperatingSystem.IsLinux() ? (1, 15) : (0xffff, 0x0200);
        socket.SetRawSocketOption(level, option, BitConverter.GetBytes(1));
    }
}
