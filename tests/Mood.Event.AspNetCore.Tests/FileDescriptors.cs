using System;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>
/// The open sockets and epolls of this process. Other files do not count, because the runtime may open one at any moment.
/// </summary>
internal static class FileDescriptors
{
    public static int Count() => Directory.GetFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
        .Count(t => t.StartsWith("socket:", StringComparison.Ordinal) || t.StartsWith("anon_inode:", StringComparison.Ordinal));

    /// <summary>
    /// The number of files that this process may open. This is the hard limit, to which the runtime has raised the soft limit.
    /// </summary>
    public static int Limit() => int.Parse(
        File.ReadLines("/proc/self/limits").Single(l => l.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Waits until the number of open sockets and epolls has not changed for a while, and returns it.</summary>
    public static int Settled()
    {
        int last = -1;

        while (last != Count())
        {
            last = Count();
            Thread.Sleep(200);
        }

        return last;
    }

    /// <summary>Waits until at most <paramref name="count"/> sockets and epolls are open.</summary>
    public static async Task UntilAsync(int count)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(30);

        while (Count() > count)
        {
            Assert.True(DateTime.UtcNow < deadline, $"{Count()} are open, {count} were open before.");
            GC.Collect(); // closes sockets of the test's client to which no reference is left
            await Task.Delay(50);
        }
    }
}
