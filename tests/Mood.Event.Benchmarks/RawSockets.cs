using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>The system calls that .NET has no name for, and read and write without anything around them.</summary>
internal static unsafe partial class Posix
{
    /// <summary>Reads one byte; false where there is none.</summary>
    internal static bool Read(int fd, out byte value)
    {
        byte got = 0;
        bool done = read(fd, &got, 1) == 1;
        value = got;
        return done;
    }

    /// <summary>Writes one byte; false where there is no room.</summary>
    internal static bool Write(int fd, byte value) => write(fd, &value, 1) == 1;

    /// <summary>Pairs of connected sockets that never block, both ends after another.</summary>
    internal static int[] SocketPairs(int count)
    {
        const int AF_UNIX = 1, SOCK_STREAM = 1, O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
        int[] fds = new int[2 * count];

        fixed (int* pair = fds)
        {
            for (int i = 0; i < count; i++)
            {
                if (socketpair(AF_UNIX, SOCK_STREAM | O_NONBLOCK | O_CLOEXEC, 0, pair + 2 * i) != 0)
                {
                    Close(fds.AsSpan(0, 2 * i));
                    throw new UnavailableException($"only {i} of {count} pairs of sockets: the limit of open files (ulimit -n)");
                }
            }
        }

        return fds;
    }

    /// <summary>Fds that are never readable.</summary>
    internal static int[] SilentFds(int count)
    {
        const int O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
        int[] fds = new int[count];

        for (int i = 0; i < count; i++)
        {
            fds[i] = eventfd(0, O_NONBLOCK | O_CLOEXEC);

            if (fds[i] < 0)
            {
                Close(fds.AsSpan(0, i));
                throw new UnavailableException($"only {i} of {count} fds: the limit of open files (ulimit -n)");
            }
        }

        return fds;
    }

    internal static void Close(ReadOnlySpan<int> fds)
    {
        foreach (int fd in fds)
        {
            _ = close(fd);
        }
    }

    /// <summary>As Socket.Receive, and nothing but the system call.</summary>
    internal static int Receive(int fd, Span<byte> buffer, out SocketError error)
    {
        fixed (byte* bytes = buffer)
        {
            return Result(recv(fd, bytes, buffer.Length, 0), out error);
        }
    }

    /// <summary>As Socket.Send, and nothing but the system call.</summary>
    internal static int Send(int fd, ReadOnlySpan<byte> buffer, out SocketError error)
    {
        fixed (byte* bytes = buffer)
        {
            return Result(send(fd, bytes, buffer.Length, 0), out error);
        }
    }

    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum) => Measure.Expect(kill(Environment.ProcessId, signum), 0, "kill");

    /// <summary>Allows as many open files as an unprivileged process may have; returns how many.</summary>
    internal static int RaiseFdLimit()
    {
        const int RLIMIT_NOFILE = 7;
        ulong* limit = stackalloc ulong[2];
        _ = getrlimit(RLIMIT_NOFILE, limit);
        limit[0] = limit[1];
        _ = setrlimit(RLIMIT_NOFILE, limit);
        _ = getrlimit(RLIMIT_NOFILE, limit);
        return (int)Math.Min(limit[0], int.MaxValue);
    }

    [LibraryImport("libc")]
    private static partial nint read(int fd, void* buffer, nint size);

    [LibraryImport("libc")]
    private static partial nint write(int fd, void* buffer, nint size);

    [LibraryImport("libc")]
    private static partial int close(int fd);

    [LibraryImport("libc")]
    private static partial int socketpair(int domain, int type, int protocol, int* fds);

    [LibraryImport("libc")]
    private static partial int eventfd(uint value, int flags);

    private static int Result(nint count, out SocketError error)
    {
        const int EAGAIN = 11;
        error = count >= 0 ? SocketError.Success
            : Marshal.GetLastPInvokeError() == EAGAIN ? SocketError.WouldBlock : SocketError.SocketError;
        return Math.Max((int)count, 0);
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint recv(int fd, void* buffer, nint size, int flags);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint send(int fd, void* buffer, nint size, int flags);

    [LibraryImport("libc")]
    private static partial int kill(int pid, int signum);

    [LibraryImport("libc")]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int setrlimit(int resource, ulong* limit);
}
