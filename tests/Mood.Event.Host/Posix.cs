using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Host;

/// <summary>The system calls that the scenarios make behind .NET's back.</summary>
internal static unsafe partial class Posix
{
    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum)
    {
        if (kill(Environment.ProcessId, signum) != 0)
        {
            throw new InvalidOperationException($"kill: errno {Marshal.GetLastPInvokeError()}");
        }
    }

    /// <summary>Writes into a pipe that nobody can read from any more; returns errno, or 0 when it could.</summary>
    internal static int WriteToClosedPipe()
    {
        int* fds = stackalloc int[2];
        byte value = 1;

        if (pipe(fds) != 0)
        {
            throw new InvalidOperationException($"pipe: errno {Marshal.GetLastPInvokeError()}");
        }

        _ = close(fds[0]);
        int error = write(fds[1], &value, 1) < 0 ? Marshal.GetLastPInvokeError() : 0;
        _ = close(fds[1]);
        return error;
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signum);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe(int* fds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, void* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);
}
