using System;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Mood.Event;

// A program as a user of the package writes it. It uses all watchers, writes what it did, and ends with "done". Package.Tests compiles
// it for every runtime, so this code must work on all of them.
internal static class Program
{
    private static int Main(string[] args)
    {
        if (args.Length == 1 && args[0] == "refused")
        {
            MissingLibrary.Run();
            return 0;
        }

        Console.WriteLine($"{RuntimeInformation.FrameworkDescription} {RuntimeInformation.ProcessArchitecture}, {Ev.Version}, {Ev.SupportedBackends}");
        Run("timer", Watchers.Timer);
        Run("io", Watchers.Io);
        Run("async", Watchers.Async);
        Run("signal", Watchers.Signal);
        Run("child", Watchers.Child);
        Run("process", Watchers.ChildOfProcess);
        Run("stat", Watchers.Stat);
        Run("exceptions", Failures.Exceptions);
        Run("fatal", Failures.Fatal);
        Run("threads", Failures.WrongThread);
        Run("post", CrossThread.Post);
        Run("run", CrossThread.Run);
        Run("loop threads", CrossThread.Threads);
        Run("gc", Lifetimes.Collected);
        Run("abandoned", Lifetimes.Abandoned);
        Run("echo", Echo.Run);
        Console.WriteLine("done");
        return 0;
    }

    private static void Run(string name, Action topic)
    {
        var watch = Stopwatch.StartNew();
        topic();
        Console.WriteLine($"{name}: {watch.ElapsedMilliseconds} ms");
    }
}

internal static class Check
{
    public static void That(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("not so: " + what);
        }
    }

    /// <summary>Runs the loop until it ends by itself. If it does not end, it is stopped, and the check fails.</summary>
    public static void Ends(Loop loop)
    {
        bool late = false;
        using (var limit = new Mood.Event.Timer(loop, 30, 0, (_, _) => { late = true; loop.Stop(BreakHow.All); }) { KeepAlive = false })
        {
            limit.Start();
            loop.Start();
        }

        That(!late, "the loop ends within 30 seconds");
    }
}
