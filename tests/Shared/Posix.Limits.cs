using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using Xunit;

namespace Mood.Event.Tests;

/// <content>What the process has and may have: file descriptors and environment.</content>
internal static unsafe partial class Posix
{
    private const int RLIMIT_NOFILE = 7;

    /// <summary>How many file descriptors are open, give or take the one that looks.</summary>
    internal static int OpenFds() => Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>Runs something while only so many more file descriptors can be opened.</summary>
    internal static void WithFdsLeft(int left, Action action)
    {
        ulong* old = stackalloc ulong[2];
        ulong* limit = stackalloc ulong[2];
        Assert.Equal(0, getrlimit(RLIMIT_NOFILE, old));

        // The limit is a number, and numbers are given out from the lowest free one on. Which are free only taking them tells:
        // one that a blocking accept has taken is not open yet.
        int[] free = [.. Enumerable.Range(0, left + 1).Select(_ => dup(2))];
        limit[0] = (ulong)free[left];
        Close(free);
        limit[1] = old[1];
        Assert.Equal(0, setrlimit(RLIMIT_NOFILE, limit));

        try
        {
            action();
        }
        finally
        {
            Assert.Equal(0, setrlimit(RLIMIT_NOFILE, old));
        }
    }

    /// <summary>Takes the lowest free number for the same file; -1 if none is left.</summary>
    internal static int Duplicate(int fd) => dup(fd);

    /// <summary>Sets an environment variable where both .NET and C look; null removes it.</summary>
    internal static void SetEnvironment(string name, string? value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Assert.Equal(0, value is null ? unsetenv(name) : setenv(name, value, 1));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong* limit);

    [LibraryImport("libc")]
    private static partial int dup(int fd);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unsetenv(string name);
}
