using System;
using System.Runtime.InteropServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The system calls that tests make behind .NET's back: real pipes, signals and children.</summary>
internal static unsafe partial class Posix
{
    internal const int WNOHANG = 1;

    /// <summary>A pipe of two bare fds, both non-blocking.</summary>
    internal static (int Read, int Write) Pipe()
    {
        int* fds = stackalloc int[2];
        Assert.Equal(0, pipe(fds));

        for (int i = 0; i < 2; i++)
        {
            SetNonBlocking(fds[i]);
        }

        return (fds[0], fds[1]);
    }

    internal static void SetNonBlocking(int fd)
    {
        const int F_SETFL = 4, O_NONBLOCK = 0x800;
        Assert.Equal(0, fcntl(fd, F_SETFL, O_NONBLOCK));
    }

    internal static void Write(int fd, byte value = 1) => Assert.Equal(1, write(fd, &value, 1));

    /// <summary>Reads one byte, or returns -1 where there is none.</summary>
    internal static int Read(int fd)
    {
        byte value;
        return read(fd, &value, 1) == 1 ? value : -1;
    }

    internal static void Close(params ReadOnlySpan<int> fds)
    {
        foreach (int fd in fds)
        {
            close(fd);
        }
    }

    internal static void Kill(int pid, int signum) => Assert.Equal(0, kill(pid, signum));

    /// <summary>Sends this process a signal.</summary>
    internal static void Raise(int signum) => Kill(Environment.ProcessId, signum);

    /// <summary>A child that System.Diagnostics.Process knows nothing of: sh -c SCRIPT.</summary>
    internal static int Spawn(string script) => Shell.Spawn(script);

    /// <summary>waitpid: the pid, 0 while it runs, -1 when it is not a child (any more).</summary>
    internal static int Wait(int pid, out int status, int options = 0)
    {
        int raw;
        int result = waitpid(pid, &raw, options);
        status = raw;
        return result;
    }

    /// <summary>Whether the process exists, be it as a zombie.</summary>
    internal static bool Exists(int pid) => kill(pid, 0) == 0;

    /// <summary>Waits for something that another thread or process does, by looking.</summary>
    internal static bool Until(Func<bool> condition, double seconds = 10)
    {
        for (double end = Ev.Time() + seconds; Ev.Time() < end; Thread.Sleep(1))
        {
            if (condition())
            {
                return true;
            }
        }

        return condition();
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int pipe(int* fds);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int fcntl(int fd, int command, int argument);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint read(int fd, void* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial nint write(int fd, void* buffer, nint size);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int close(int fd);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int kill(int pid, int signum);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);
}
