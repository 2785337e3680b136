using System;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Pipes, and file descriptors without a SafeHandle.</content>
internal static unsafe partial class Posix
{
    /// <summary>Makes a pipe. Both fds are non-blocking.</summary>
    internal static (int Read, int Write) Pipe()
    {
        int* fds = stackalloc int[2];
        Check(pipe(fds) == 0, nameof(pipe));

        for (int i = 0; i < 2; i++)
        {
            SetNonBlocking(fds[i]);
        }

        return (fds[0], fds[1]);
    }

    internal static void SetNonBlocking(int fd)
    {
        const int F_SETFL = 4, O_NONBLOCK = 0x800;
        Check(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, nameof(fcntl));
    }

    internal static void SetBlocking(int fd)
    {
        const int F_SETFL = 4;
        Check(fcntl(fd, F_SETFL, 0) == 0, nameof(fcntl));
    }

    /// <summary>Writes one byte.</summary>
    internal static void Write(int fd, byte value = 1) => Check(TryWrite(fd, value), nameof(write));

    /// <summary>Writes one byte. Returns false if there is no room.</summary>
    internal static bool TryWrite(int fd, byte value) => write(fd, &value, 1) == 1;

    /// <summary>Reads one byte. Returns -1 if there is none.</summary>
    internal static int Read(int fd)
    {
        byte value;
        return read(fd, &value, 1) == 1 ? value : -1;
    }

    /// <summary>Writes until the pipe is full.</summary>
    internal static void Fill(int fd)
    {
        byte* block = stackalloc byte[4096];

        while (write(fd, block, 4096) > 0)
        {
        }
    }

    /// <summary>Reads until the pipe is empty.</summary>
    internal static void Drain(int fd)
    {
        byte* block = stackalloc byte[4096];

        while (read(fd, block, 4096) > 0)
        {
        }
    }

    /// <summary>Writes to a pipe whose read end is closed. Returns errno, or 0 if the write succeeded.</summary>
    internal static int WriteToClosedPipe()
    {
        (int reader, int writer) = Pipe();
        Close(reader);
        byte value = 1;
        int error = write_with_errno(writer, &value, 1) == 1 ? 0 : Marshal.GetLastPInvokeError();
        Close(writer);
        return error;
    }

    internal static void Close(params ReadOnlySpan<int> fds)
    {
        foreach (int fd in fds)
        {
            _ = close(fd);
        }
    }

    internal static bool IsOpen(int fd)
    {
        const int F_GETFD = 1;
        return fcntl(fd, F_GETFD, 0) >= 0;
    }

    /// <summary>Duplicates the fd to the lowest free number. Returns -1 if none is left.</summary>
    internal static int Duplicate(int fd) => dup(fd);

    /// <summary>
    /// Closes the fd `number` and makes it a duplicate of the fd `with`, in one system call (dup2).
    /// </summary>
    internal static void Replace(int number, int with) => Check(dup2(with, number) == number, nameof(dup2));

    /// <summary>Adds a value to an eventfd.</summary>
    internal static void Write(SafeHandle eventfd, long value) =>
        Check(write((int)eventfd.DangerousGetHandle(), &value, sizeof(long)) == sizeof(long), nameof(write));

    /// <summary>Makes an eventfd, which is blocking or has EFD_NONBLOCK.</summary>
    internal static int EventFd(bool blocking)
    {
        int fd = eventfd(0, blocking ? 0 : 0x800);
        Check(fd >= 0, nameof(eventfd));
        return fd;
    }

    /// <summary>Takes the first message from the error queue of a socket. Returns false if the queue is empty.</summary>
    internal static bool TryTakeError(int fd)
    {
        const int MSG_DONTWAIT = 0x40, MSG_ERRQUEUE = 0x2000;
        const int SizeOfMsghdr = 56;
        byte* message = stackalloc byte[SizeOfMsghdr];
        new Span<byte>(message, SizeOfMsghdr).Clear(); // no buffers
        return recvmsg(fd, message, MSG_ERRQUEUE | MSG_DONTWAIT) >= 0;
    }

    [LibraryImport("libc")]
    private static partial nint recvmsg(int fd, void* message, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int eventfd(uint value, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe(int* fds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, int argument);

    [LibraryImport("libc")]
    private static partial nint read(int fd, void* buffer, nint size);

    [LibraryImport("libc")] // without SetLastError, because benchmarks measure the bare system call
    private static partial nint write(int fd, void* buffer, nint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint write_with_errno(int fd, void* buffer, nint size);

    [LibraryImport("libc")]
    private static partial int close(int fd);

    [LibraryImport("libc")]
    private static partial int dup(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int dup2(int from, int to);
}
