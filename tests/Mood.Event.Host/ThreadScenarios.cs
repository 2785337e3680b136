using System;
using System.Linq;

namespace Mood.Event.Host;

/// <summary>A system that refuses to start threads.</summary>
internal static class ThreadScenarios
{
    /// <summary>Creates LoopThreads and LoopGroups whose threads cannot be started. Writes how many epolls and eventfds they have left
    /// open.</summary>
    internal static int Refused(string[] args)
    {
        new LoopThread().Dispose(); // loads what it needs
        int before = Count();
        Console.WriteLine(Attempt(0, () => new LoopThread()));
        Console.WriteLine(Attempt(0, () => new LoopThread(new LoopOptions { DisposeTimeout = TimeSpan.FromSeconds(1) })));
        Console.WriteLine(Attempt(1, () => new LoopGroup(2)));
        Console.WriteLine($"left {Count() - before}");
        using var thread = new LoopThread(); // the process can start threads again
        thread.Loop.InvokeAsync(() => { }).Wait();
        return 0;
    }

    private static int Count() => Posix.OpenFiles().Count(file => file.Contains("anon_inode", StringComparison.Ordinal));

    private static string Attempt(int threads, Func<IDisposable> create)
    {
        string result = "created";
        ThreadLimit.Leave(threads, () =>
        {
            try
            {
                create().Dispose();
            }
            catch (OutOfMemoryException)
            {
                result = "refused";
            }
        });
        return result;
    }
}
