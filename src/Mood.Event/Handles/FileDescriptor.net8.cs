using System;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>File descriptors of sockets. On .NET, Socket.SafeHandle is public.</content>
internal readonly partial struct FileDescriptor
{
    /// <summary>Whether the owner has closed the fd. False for a bare number, whose owner is unknown.</summary>
    internal bool IsClosed => _owner is not null && Unsafe.As<SafeHandle>(_owner).IsClosed;

    internal bool IsSocket => _owner is SafeSocketHandle;

    internal static FileDescriptor From(Socket socket, string parameter)
    {
        if (socket is null)
        {
            throw new ArgumentNullException(parameter);
        }

        return new FileDescriptor(NumberOf(socket.SafeHandle, parameter), socket.SafeHandle);
    }

    private static bool IsOfSocket(SafeHandle handle) => handle is SafeSocketHandle;

    /// <summary>The fd of a socket that another thread may dispose at any moment.</summary>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    internal static FileDescriptor Of(Socket socket)
    {
        try
        {
            return From(socket, nameof(socket));
        }
        catch (ArgumentException)
        {
            throw new ObjectDisposedException(typeof(Socket).FullName);
        }
    }

    /// <summary>Whether both are the number of one socket that is still open.</summary>
    internal bool IsSameSocket(FileDescriptor other) => _owner == other._owner && IsSocket && !IsClosed;

    /// <summary>Checks that the fd is open: 0, or a negative errno.</summary>
    /// <remarks>A socket's handle owns its fd, so IsClosed is enough. Any other handle may not own its fd, so the kernel is
    /// asked.</remarks>
    internal int Check() =>
        IsClosed ? -Native.EBADF : _owner is SafeSocketHandle ? 0 : Native.mood_fd_check(Number);

    /// <summary>The exception that says that the owner has closed the fd. It names the owner.</summary>
    internal ObjectDisposedException ClosedException() =>
        new((_owner is SafeSocketHandle ? typeof(Socket) : _owner!.GetType()).FullName);
}
