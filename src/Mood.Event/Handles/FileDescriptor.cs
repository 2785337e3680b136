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
    private readonly object? _owner;
    private bool _held;

    private FileDescriptor(int number, object? owner)
    {
        Number = number;
        _owner = owner;
        _held = false;
    }

    internal int Number { get; }

    internal static FileDescriptor From(int fd, string parameter)
    {
        if (fd < 0)
        {
            throw Error.ArgumentOutOfRange_NegativeFd(fd, parameter);
        }

        Library.Initialize();
        return Native.mood_fd_check(fd) < 0
            ? throw Error.Argument_ClosedFd(fd, parameter)
            : new FileDescriptor(fd, owner: null);
    }

    internal static FileDescriptor From(SafeHandle handle, string parameter)
    {
        if (handle is null)
        {
            throw new ArgumentNullException(parameter);
        }

        if (handle.IsClosed || handle.IsInvalid)
        {
            throw Error.Argument_ClosedHandle(parameter);
        }

        // a handle that holds a pointer is no fd, whatever its lower half looks like
        long value = (long)handle.DangerousGetHandle();
        int number = value is >= 0 and <= int.MaxValue ? (int)value : throw Error.Argument_NoFd(parameter);
        return new FileDescriptor(From(number, parameter).Number, handle);
    }

    internal static FileDescriptor From(Socket socket, string parameter)
    {
        if (socket is null)
        {
            throw new ArgumentNullException(parameter);
        }

#if NET8_0_OR_GREATER
        return From(socket.SafeHandle, parameter);
#else
        return new FileDescriptor(From((int)socket.Handle, parameter).Number, socket);
#endif
    }

    /// <summary>Whether the owner has closed it. A bare number: never known.</summary>
    internal readonly bool IsClosed => _owner switch
    {
        null => false,
        SafeHandle handle => handle.IsClosed,
        _ => IsDisposed((Socket)_owner),
    };

    internal void Hold()
    {
        if (!_held && _owner is SafeHandle handle && !IsSocket(handle))
        {
            handle.DangerousAddRef(ref _held);
        }
    }

    internal void Release()
    {
        if (_held)
        {
            _held = false;
            ((SafeHandle)_owner!).DangerousRelease();
        }
    }

#if NET8_0_OR_GREATER
    private static bool IsSocket(SafeHandle handle) => handle is SafeSocketHandle;

    private static bool IsDisposed(Socket socket) => socket.SafeHandle.IsClosed;
#else
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
