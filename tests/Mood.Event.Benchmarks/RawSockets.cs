using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>The fds and sockets of the benchmarks, and recv and send without the extra work of Socket.</summary>
internal static unsafe partial class RawSockets
{
    /// <summary>Pairs of connected non-blocking sockets. The two ends of a pair follow each other in the array.</summary>
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
                    Posix.Close(fds.AsSpan(0, 2 * i));
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
                Posix.Close(fds.AsSpan(0, i));
                throw new UnavailableException($"only {i} of {count} fds: the limit of open files (ulimit -n)");
            }
        }

        return fds;
    }

    /// <summary>As Socket.Receive, but only the system call.</summary>
    internal static int Receive(int fd, Span<byte> buffer, out SocketError error)
    {
        fixed (byte* bytes = buffer)
        {
            return Result(recv(fd, bytes, buffer.Length, 0), out error);
        }
    }

    /// <summary>As Socket.Send, but only the system call.</summary>
    internal static int Send(int fd, ReadOnlySpan<byte> buffer, out SocketError error)
    {
        fixed (byte* bytes = buffer)
        {
            return Result(send(fd, bytes, buffer.Length, 0), out error);
        }
    }

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
}
