using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event;

/// <summary>The file descriptor that an Io watches: a number, or a number that a SafeHandle or a Socket owns.</summary>
/// <remarks>
/// Only a SafeFileHandle is held (DangerousAddRef) while its Io is active. The Dispose of any other handle (a socket, a pipe over
/// a socket, a class outside the runtime) may wait until all references are released. On the loop's thread it would wait for ever
/// (docs/design/lifetimes.md). So the Io checks before each event whether such a handle is closed, and <see cref="ClosedHandleSweep"/>
/// checks it about twice a second.
/// </remarks>
internal readonly partial struct FileDescriptor
{
    // A SafeHandle, or a Socket on netstandard2.0, which has no Socket.SafeHandle. Null for a bare number.
    private readonly object? _owner;

    private FileDescriptor(int number) => Number = number;

    private FileDescriptor(int number, object owner)
        : this(number) => _owner = owner;

    internal int Number { get; }

    /// <summary>Whether the number belongs to a SafeHandle or a Socket.</summary>
    internal bool HasOwner => _owner is not null;

    /// <summary>The handle that an active Io keeps open. Null if none, or if its Dispose would wait for the Io.</summary>
    internal SafeHandle? HandleToHold => _owner as SafeFileHandle;

    /// <summary>Whether the owner can close the fd while an Io watches it.</summary>
    internal bool CanClose => _owner is not null and not SafeFileHandle;

    internal static FileDescriptor From(int fd, string parameter)
    {
        if (fd < 0)
        {
            throw Error.ArgumentOutOfRange_NegativeFd(fd, parameter);
        }

        Library.Initialize();
        return Native.mood_fd_check(Watchable(fd, parameter)) < 0
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

    // For a larger number, libev would compute a wrong size for its array, and write outside it.
    private static int Watchable(int fd, string parameter) =>
        fd < Native.Fds ? fd : throw Error.Argument_LargeFd(fd, parameter);

    private static int NumberOf(SafeHandle handle, string parameter)
    {
        if (handle.IsClosed || handle.IsInvalid)
        {
            throw IsOfSocket(handle) ? Error.Argument_DisposedSocket(parameter) : Error.Argument_ClosedHandle(parameter);
        }

        // A handle may hold a pointer. It is no fd, even if its lower 32 bits look like one.
        long value = (long)handle.DangerousGetHandle();
        return value is >= 0 and <= int.MaxValue ? Watchable((int)value, parameter) : throw Error.Argument_NoFd(parameter);
    }
}
