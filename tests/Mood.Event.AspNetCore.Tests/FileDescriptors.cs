using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The open sockets and epolls of this process. (The runtime opens other files, such as assemblies, at any moment.)</summary>
internal static class FileDescriptors
{
    public static int Count() => Directory.GetFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
        .Count(t => t.StartsWith("socket:", StringComparison.Ordinal) || t.StartsWith("anon_inode:", StringComparison.Ordinal));

    /// <summary>How many files can be opened now, up to a maximum.</summary>
    public static int Free(int max)
    {
        var files = new List<SafeFileHandle>();

        try
        {
            while (files.Count < max)
            {
                files.Add(File.OpenHandle("/dev/null"));
            }
        }
        catch (IOException)
        {
            // no more
        }

        files.ForEach(f => f.Dispose());
        return files.Count;
    }

    /// <summary>How many this process may open: the runtime has raised the soft limit to the hard one.</summary>
    public static int Limit() => int.Parse(
        File.ReadLines("/proc/self/limits").Single(l => l.StartsWith("Max open files", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[3],
        System.Globalization.CultureInfo.InvariantCulture);

    /// <summary>Waits until the number has not changed for a while, and returns it.</summary>
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

    /// <summary>Waits until at most <paramref name="count"/> of them are open.</summary>
    public static async Task UntilAsync(int count)
    {
        DateTime deadline = DateTime.UtcNow.AddSeconds(30);

        while (Count() > count)
        {
            Assert.True(DateTime.UtcNow < deadline, $"{Count()} are open, {count} were open before.");
            GC.Collect(); // closes sockets of the test's own client that are no longer referenced
            await Task.Delay(50);
        }
    }
}
