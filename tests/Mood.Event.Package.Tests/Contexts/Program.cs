using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using Mood.Event;

// A program that uses Mood.Event, and loads other programs that use it: Contexts SCENARIO PROGRAM [PROGRAM]. It writes "done" at its end.
internal static class Program
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private static int Main(string[] args)
    {
        switch (args[0])
        {
            case "apart":
                Apart(new Copy(args[1]), new Copy(args[2]));
                break;
            case "shared":
                Shared(new Copy(args[1]), new Copy(args[1]));
                break;
            case "astray":
                Astray(new Copy(args[1], own: false));
                break;
            case "unloaded":
                Unloaded(args[1]);
                break;
            default:
                return 2;
        }

        Console.WriteLine("done");
        return 0;
    }

    /// <summary>Two copies with a native library each do not affect each other.</summary>
    private static void Apart(Copy first, Copy second)
    {
        Console.WriteLine($"{Ev.Version}, {first.Version}, {second.Version}");
        AtOnce(
            () => InTurn(first, "timer", "io", "async", "child", "process", "exceptions", "gc", "echo"),
            () => InTurn(second, "timer", "io", "async", "child", "process", "exceptions", "gc", "echo"));
        InTurn(first, "signal");
        InTurn(second, "signal");
        Check(Libraries().Count == 2, "two native libraries: " + string.Join(", ", Libraries()));

        // Both copies and this program start children at the same time. Each child is reaped only by the one that started it.
        AtOnce(
            () => Repeat(40, () => InTurn(first, "child", "process")),
            () => Repeat(40, () => InTurn(second, "process", "child")),
            () => Repeat(200, () =>
            {
                using Process process = Process.Start("/bin/sh", ["-c", "exit 3"]);
                process.WaitForExit();
                Check(process.ExitCode == 3, "a Process keeps its exit code");
            }));

        // both copies see a signal, and after one copy has stopped, the other copy still sees it
        int seenByFirst = 0, seenBySecond = 0;
        using (IDisposable left = second.Watch(Signum.SIGUSR1, () => Interlocked.Increment(ref seenBySecond)))
        {
            using (first.Watch(Signum.SIGUSR1, () => Interlocked.Increment(ref seenByFirst)))
            {
                Raise(Signum.SIGUSR1);
                Until(() => Volatile.Read(ref seenByFirst) == 1 && Volatile.Read(ref seenBySecond) == 1, "both copies see a signal");
            }

            Raise(Signum.SIGUSR1);
            Until(() => Volatile.Read(ref seenBySecond) == 2, "the other copy still sees it");
        }

        Check(seenByFirst == 1, "the copy that stopped does not see it");

        using IDisposable one = first.TakeDefault(), other = second.TakeDefault();
    }

    /// <summary>Two copies that use the same native library share the state that libev has for the process.</summary>
    private static void Shared(Copy first, Copy second)
    {
        InTurn(first, "timer", "signal", "child", "process");
        InTurn(second, "timer", "signal", "child", "process");
        Check(Libraries().Count == 1, "one native library: " + string.Join(", ", Libraries()));
        AtOnce(
            () => InTurn(first, "timer", "io", "async", "exceptions", "gc", "echo", "stat"),
            () => InTurn(second, "timer", "io", "async", "exceptions", "gc", "echo", "stat"));

        // One loop at a time can watch a signal.
        int seen = 0;
        using (first.Watch(Signum.SIGUSR1, () => Interlocked.Increment(ref seen)))
        {
            Refuses(() => second.Watch(Signum.SIGUSR1, () => { }), "watched by another loop");
            Raise(Signum.SIGUSR1);
            Until(() => Volatile.Read(ref seen) == 1, "the owner sees it");
        }

        using (second.Watch(Signum.SIGUSR1, () => Interlocked.Increment(ref seen)))
        {
            Raise(Signum.SIGUSR1);
            Until(() => Volatile.Read(ref seen) == 2, "the next owner sees it");
        }

        // There is one default loop.
        using (first.TakeDefault())
        {
            Refuses(() => second.TakeDefault(), "default loop");
        }

        Repeat(20, () =>
        {
            InTurn(first, "child", "process");
            InTurn(second, "child", "process");
        });
    }

    /// <summary>A context that does not find its own native library gets that of the application.</summary>
    private static void Astray(Copy copy)
    {
        foreach (int _ in new int[2])
        {
            try
            {
                copy.Run("timer");
                Check(false, "the library of another version is refused");
            }
            catch (PlatformNotSupportedException e)
            {
                Console.WriteLine(e.Message);
                Check(e.Message.Contains(Ev.Version, StringComparison.Ordinal) && e.Message.Contains(copy.Version, StringComparison.Ordinal), "both versions are named");
            }
        }

        using var loop = new Loop();
        bool fired = false;
        loop.Timer(0.001, 0, (_, _) => fired = true).Start();
        loop.Start();
        Check(fired, "the application continues");
        Check(Libraries().Count == 1, "one native library");
    }

    /// <summary>A context can be unloaded after use, even if it has watched a signal.</summary>
    private static void Unloaded(string program)
    {
        foreach (int _ in new int[3])
        {
            Check(IsGone(UseAndUnload(program, "timer", "io", "async", "exceptions", "echo")), "a context is unloaded");
        }

        Check(IsGone(UseAndUnload(program, "signal")), "a context that has watched a signal is unloaded");

        // the meter and the event source are made one second after the first loop: this context is unloaded before that
        Check(IsGone(UseAndUnload(program, "timer")), "one that is unloaded at once");
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference UseAndUnload(string program, params string[] topics)
    {
        var copy = new Copy(program, isCollectible: true);
        InTurn(copy, topics);
        copy.Unload();
        return new WeakReference(copy);
    }

    private static bool IsGone(WeakReference context)
    {
        // The thread that searches for closed handles ends within a second after its last loop.
        for (int i = 0; i < 100 && context.IsAlive; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            Thread.Sleep(50);
        }

        return !context.IsAlive;
    }

    private static void InTurn(Copy copy, params string[] topics)
    {
        foreach (string topic in topics)
        {
            copy.Run(topic);
        }
    }

    private static void Repeat(int times, Action action)
    {
        for (int i = 0; i < times; i++)
        {
            action();
        }
    }

    /// <summary>Runs each action on a thread of its own. An exception ends the process, and so fails the test.</summary>
    private static void AtOnce(params Action[] actions)
    {
        Thread[] threads = [.. actions.Select(a => new Thread(() => a()))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
    }

    private static void Refuses(Action action, string text)
    {
        try
        {
            action();
        }
        catch (Exception e) when (e.GetType().FullName == "Mood.Event.EventException")
        {
            Console.WriteLine(e.Message);
            Check(e.Message.Contains(text, StringComparison.Ordinal), text + ": " + e.Message);
            return;
        }

        Check(false, "refused: " + text);
    }

    private static void Until(Func<bool> condition, string what) => Check(SpinWait.SpinUntil(condition, s_patience), what);

    private static void Check(bool condition, string what)
    {
        if (!condition)
        {
            throw new InvalidOperationException("not so: " + what);
        }
    }

    /// <summary>The native libraries that this process has loaded. The application's own library is loaded when it is first used.</summary>
    private static HashSet<string> Libraries() => [.. File.ReadLines("/proc/self/maps")
        .Where(line => line.EndsWith("/libmood_event.so", StringComparison.Ordinal)).Select(line => line[line.IndexOf('/', StringComparison.Ordinal)..])];

    private static void Raise(int signum) => Check(kill(Environment.ProcessId, signum) == 0, "kill");

    [DllImport("libc")]
    private static extern int kill(int pid, int signum);
}
