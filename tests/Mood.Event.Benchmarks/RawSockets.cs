using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>The fds and sockets of the benchmarks.</summary>
internal static unsafe partial class RawSockets
{
    /// <summary>Makes pairs of connected non-blocking sockets. The two ends of a pair are neighbours in the array.</summary>
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
                    throw new UnavailableException($"only {i} of {count} pairs of sockets could be created: see ulimit -n (open files)");
                }
            }
        }

        return fds;
    }

    /// <summary>Makes fds that are never readable.</summary>
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
                throw new UnavailableException($"only {i} of {count} fds could be created: see ulimit -n (open files)");
            }
        }

        return fds;
    }

    [LibraryImport("libc")]
    private static partial int socketpair(int domain, int type, int protocol, int* fds);

    [LibraryImport("libc")]
    private static partial int eventfd(uint value, int flags);
}
