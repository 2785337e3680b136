using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>File descriptors of sockets. On netstandard2.0, a Socket exposes only the number of its handle.</content>
internal readonly partial struct FileDescriptor
{
    /// <summary>Whether the owner has closed the fd. False for a bare number, whose owner is unknown.</summary>
    internal bool IsClosed => _owner is Socket socket ? IsDisposed(socket) : _owner is SafeHandle { IsClosed: true };

    internal static FileDescriptor From(Socket socket, string parameter)
    {
        if (socket is null)
        {
            throw new ArgumentNullException(parameter);
        }

        return new FileDescriptor(From((int)socket.Handle, parameter).Number, socket);
    }

    private static bool IsOfSocket(SafeHandle handle) => handle.GetType().Name == "SafeSocketHandle"; // not public here

    /// <summary>Checks that the fd is open: 0, or a negative errno.</summary>
    internal int Check() => IsClosed ? -Native.EBADF : Native.mood_fd_check(Number);

    // A socket has no property that tells this. So the code calls a member that throws if the socket is disposed.
    private static bool IsDisposed(Socket socket)
    {
        try
        {
            _ = socket.Available;
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
