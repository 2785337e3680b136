using System;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>File descriptors and their limit, and the environment.</content>
internal static unsafe partial class Posix
{
    private const int RLIMIT_NOFILE = 7;

    /// <summary>
    /// The number of open file descriptors, including the one that this call opens to read the list. On Windows, which has no such list, 0.
    /// </summary>
    internal static int OpenFds() => OperatingSystem.IsWindows() ? 0 : Directory.GetFileSystemEntries("/proc/self/fd").Length;

    /// <summary>
    /// The open file descriptors and their files, such as "17 anon_inode:[eventpoll]", including the one that this call opens to read the list.
    /// Empty on Windows.
    /// </summary>
    internal static string[] OpenFiles() => OperatingSystem.IsWindows()
        ? []
        : [.. new DirectoryInfo("/proc/self/fd").EnumerateFileSystemInfos().Select(fd => $"{fd.Name} {fd.LinkTarget}")];

    /// <summary>Raises the limit of open files to the highest value that an unprivileged process may set, and returns that value.</summary>
    internal static int RaiseFdLimit()
    {
        ulong* limit = stackalloc ulong[2];
        Check(getrlimit(RLIMIT_NOFILE, limit) == 0, nameof(getrlimit));
        limit[0] = limit[1];
        Check(setrlimit(RLIMIT_NOFILE, limit) == 0, nameof(setrlimit));
        return (int)Math.Min(limit[0], int.MaxValue);
    }

    /// <summary>Runs the action while only a few more file descriptors can be opened.</summary>
    internal static void WithFdsLeft(int left, Action action)
    {
        ulong* old = stackalloc ulong[2];
        ulong* limit = stackalloc ulong[2];
        Check(getrlimit(RLIMIT_NOFILE, old) == 0, nameof(getrlimit));

        // The limit is one more than the highest number that the kernel gives out, and the kernel gives out the lowest free number. Taking the
        // numbers tells which ones are free. /proc/self/fd does not: it lacks a number that a blocking accept has reserved.
        int[] free = [.. Enumerable.Range(0, left + 1).Select(_ => dup(2))];
        limit[0] = (ulong)free[left];
        Close(free);
        limit[1] = old[1];
        Check(setrlimit(RLIMIT_NOFILE, limit) == 0, nameof(setrlimit));

        try
        {
            action();
        }
        finally
        {
            Check(setrlimit(RLIMIT_NOFILE, old) == 0, nameof(setrlimit));
        }
    }

    /// <summary>Sets an environment variable for both .NET and C. Null removes it.</summary>
    internal static void SetEnvironment(string name, string? value)
    {
        Environment.SetEnvironmentVariable(name, value);
        Check((value is null ? unsetenv(name) : setenv(name, value, 1)) == 0, nameof(setenv));
    }

    [LibraryImport("libc", SetLastError = true)]
    private static partial int getrlimit(int resource, ulong* limit);

    [LibraryImport("libc", SetLastError = true)]
    private static partial int setrlimit(int resource, ulong* limit);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int setenv(string name, string value, int overwrite);

    [LibraryImport("libc", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unsetenv(string name);
}
