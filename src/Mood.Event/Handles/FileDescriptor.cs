using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mood.Event.Interop;

namespace Mood.Event.Handles;

/// <summary>
/// What an Io watches: a bare number, or a number that a SafeHandle or Socket owns.
/// <para>
/// A SafeHandle is held (DangerousAddRef) while it is watched: its number cannot be closed and given to another file.
/// A Socket must not be: its Dispose waits, spinning, until nobody holds the handle, which on the loop's own thread is
/// for ever (docs/design/lifetimes.md). It is asked instead whether it is closed, before every event.
/// </para>
/// </summary>
internal struct FileDescriptor
{
    private readonly SafeHandle? _handle;
#if !NET8_0_OR_GREATER
    private readonly Socket? _socket; // shows no handle
#endif
    private bool _held;

    private FileDescriptor(int number) => Number = number;

    private FileDescriptor(int number, SafeHandle handle)
        : this(number) => _handle = handle;

    internal int Number { get; }

    /// <summary>Whether the owner has closed it. A bare number: never known.</summary>
#if NET8_0_OR_GREATER
    internal readonly bool IsClosed => _handle is not null && _handle.IsClosed;
#else
    internal readonly bool IsClosed => _socket is null ? _handle is { IsClosed: true } : IsDisposed(_socket);
#endif

    internal static FileDescriptor From(int fd, string parameter)
    {
        if (fd < 0)
        {
            throw Error.ArgumentOutOfRange_NegativeFd(fd, parameter);
        }

        Library.Initialize();
        return Native.mood_fd_check(fd) < 0
            ? throw Error.Argument_ClosedFd(fd, parameter)
            : new FileDescriptor(fd);
    }

    internal static FileDescriptor From(SafeHandle handle, string parameter)
    {
        if (handle is null)
        {
            throw new ArgumentNullException(parameter);
        }

        return new FileDescriptor(From(NumberOf(handle, parameter), parameter).Number, handle);
    }

    internal static FileDescriptor From(Socket socket, string parameter)
    {
        if (socket is null)
        {
            throw new ArgumentNullException(parameter);
        }

#if NET8_0_OR_GREATER
        return new FileDescriptor(NumberOf(socket.SafeHandle, parameter), socket.SafeHandle);
#else
        return new FileDescriptor(From((int)socket.Handle, parameter).Number, socket);
#endif
    }

    /// <summary>The fd of a socket that another thread may dispose at any moment.</summary>
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

    /// <summary>
    /// 0, or a negative errno. The kernel is asked, but for a socket, which knows by itself: of a number, and of a handle
    /// that may not own its number, nobody else knows whether it is an open file.
    /// </summary>
    internal readonly int Check() =>
        IsClosed ? -Native.EBADF : _handle is not null && IsSocket(_handle) ? 0 : Native.mood_fd_check(Number);

    private static int NumberOf(SafeHandle handle, string parameter)
    {
        if (handle.IsClosed || handle.IsInvalid)
        {
            throw Error.Argument_ClosedHandle(parameter);
        }

        // a handle that holds a pointer is no fd, whatever its lower half looks like
        long value = (long)handle.DangerousGetHandle();
        return value is >= 0 and <= int.MaxValue ? (int)value : throw Error.Argument_NoFd(parameter);
    }

    internal void Hold()
    {
        if (!_held && _handle is not null && !IsSocket(_handle))
        {
            _handle.DangerousAddRef(ref _held);
        }
    }

    internal void Release()
    {
        if (_held)
        {
            _held = false;
            _handle!.DangerousRelease();
        }
    }

#if NET8_0_OR_GREATER
    private static bool IsSocket(SafeHandle handle) => handle is SafeSocketHandle;
#else
    private FileDescriptor(int number, Socket socket)
        : this(number) => _socket = socket;

    // netstandard2.0 knows the type only by its name, and a socket's state only by asking it something
    private static bool IsSocket(SafeHandle handle) => handle.GetType().Name == "SafeSocketHandle";

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
#endif
}
