using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;

namespace Mood.Event.Host;

/// <summary>Signals and children while all threads of the thread pool are blocked and the pool cannot add one.</summary>
internal static class BusyPoolScenarios
{
    private const double Patience = 5;

    /// <summary>
    /// Arguments: SIGNUM... Watches and sends each signal while the pool is busy. Prints the median latency in milliseconds and
    /// the number of signals that were not reported once. Then it frees the pool and sends the first signal without a watcher,
    /// whose default action ends the process.
    /// </summary>
    internal static int Signals(string[] args)
    {
        List<double> latencies = [];
        int missing = 0;
        int[] signums = [.. args.Select(text => int.Parse(text, CultureInfo.InvariantCulture))];

        using (new BusyPool())
        {
            using var loop = new Loop(LoopFlags.NoEnv);

            foreach (int signum in signums)
            {
                int calls = 0;
                using Signal signal = loop.Signal(signum, (_, _) => calls++);
                signal.Start();
                var watch = Stopwatch.StartNew();
                Posix.Raise(signum);
                RunUntil(loop, () => calls > 0);
                latencies.Add(watch.Elapsed.TotalMilliseconds);
                missing += calls == 1 ? 0 : 1;
            }
        }

        Thread.Sleep(200); // gives the runtime the time to make its delayed calls
        Print(latencies, missing);
        Posix.Raise(signums[0]);
        Thread.Sleep(TimeSpan.FromSeconds(Patience));
        Console.WriteLine("survived");
        return 0;
    }

    /// <summary>
    /// Argument: SIGNUM. While the pool is busy, sends the signal and then stops its watcher: the signal has no default action,
    /// and this prints "lives". Then does the same and sends the signal once more after the stop: when the pool is free, the
    /// default action ends the process.
    /// </summary>
    internal static int SignalAfterStop(string[] args)
    {
        int signum = int.Parse(args[0], CultureInfo.InvariantCulture);
        using var loop = new Loop(LoopFlags.NoEnv);

        using (new BusyPool())
        {
            using Signal signal = loop.Signal(signum, (_, _) => { });
            signal.Start();
            Posix.Raise(signum);
            Thread.Sleep(50);
            signal.Stop();
        }

        Thread.Sleep(200);
        Console.WriteLine("lives");

        using (new BusyPool())
        {
            using Signal signal = loop.Signal(signum, (_, _) => { });
            signal.Start();
            Posix.Raise(signum);
            Thread.Sleep(50);
            signal.Stop();
            Posix.Raise(signum);
        }

        Thread.Sleep(TimeSpan.FromSeconds(Patience));
        Console.WriteLine("survived");
        return 0;
    }

    /// <summary>
    /// Argument: pidfd or no-fd. Kills children of Process and other children, and waits for their watchers. Prints the median
    /// latency and the number of wrong reports. With no-fd, no file descriptor is left for a pidfd.
    /// </summary>
    internal static int Children(string[] args)
    {
        const int each = 5;
        List<double> latencies = [];
        int wrong = 0;
        Loop loop = Loop.Default;
        int[] own = [.. Enumerable.Range(0, each).Select(_ => Posix.Spawn("exec sleep 100"))];
        Process[] processes = [.. Enumerable.Range(0, each).Select(_ => Process.Start("/bin/sh", ["-c", "exec sleep 100"]))];
        Stack<SafeFileHandle> files = new();
        loop.Child(Posix.Spawn("exit 1"), trace: false, (w, _) => w.Dispose()).Start(); // loads the code before the fds run out
        loop.Start();

        new BusyPool().Dispose();

        if (args[0] == "no-fd")
        {
            TakeAll(files);
        }

        using (new BusyPool())
        {
            for (int i = 0; i < each; i++)
            {
                Tell(loop.Child(own[i], trace: false, (w, _) => w.Stop()), own[i], 9);
                Tell(loop.Child(processes[i], trace: false, (w, _) => w.Stop()), processes[i].Id, 9);
            }
        }

        while (files.TryPop(out SafeFileHandle? file))
        {
            file.Dispose();
        }

        bool reaped = RunUntil(loop, () => own.All(pid => !Directory.Exists("/proc/" + pid.ToString(CultureInfo.InvariantCulture))));
        Print(latencies, wrong);
        Console.WriteLine(reaped ? "reaped" : "zombies are left");
        int codes = processes.Count(p => p.WaitForExit(TimeSpan.FromSeconds(Patience)) && p.ExitCode == 137);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"processes {codes}"));
        return 0;

        void Tell(Child child, int pid, int signum)
        {
            child.Start();
            loop.Start(RunFlags.NoWait);
            var watch = Stopwatch.StartNew();
            Posix.TryKill(pid, signum);
            RunUntil(loop, () => child.HasExited);
            latencies.Add(watch.Elapsed.TotalMilliseconds);
            wrong += child.TermSignal == signum || (args[0] == "no-fd" && child.HasExited && child.TermSignal == 0) ? 0 : 1;
        }
    }

    /// <summary>Argument: alone, or embedded: then another loop runs the default loop. Every thread of the pool waits for a child whose end
    /// the default loop must report.</summary>
    internal static int Jobs(string[] args)
    {
        const int jobs = 40;
        ThreadPool.SetMinThreads(8, 8);
        ThreadPool.SetMaxThreads(8, 8);
        Loop loop = Loop.Default;
        using var outer = new Loop(LoopFlags.NoEnv);
        int ended = 0;
        using Async keep = loop.Async((_, _) => { });
        keep.Start();

        if (args[0] == "embedded")
        {
            outer.Embed(loop).Start();
        }

        for (int i = 0; i < jobs; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(
                _ =>
                {
                    int pid = Posix.Spawn("exit 7");
                    Child child = loop.InvokeAsync(() => loop.WaitForExitAsync(pid).AsTask()).Result;
                    Interlocked.Add(ref ended, child.ExitCode == 7 ? 1 : 0);
                },
                null);
        }

        var watch = Stopwatch.StartNew();
        RunUntil(args[0] == "embedded" ? outer : loop, () => Volatile.Read(ref ended) == jobs, 20);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ended {ended}"));
        Console.Error.WriteLine(watch.Elapsed);
        return 0;
    }

    /// <summary>
    /// Argument: system or manual, the clock of the loop. While the pool is busy, the end of a child is reported to two watchers,
    /// one after the other. Prints after each report how many pidfds are kept to reap the child later. When the pool is free,
    /// prints whether these are closed and the child is reaped.
    /// </summary>
    internal static int ChildTwice(string[] args)
    {
        Loop loop = Loop.GetDefault(clock: args[0] == "manual" ? new ManualClock() : null);
        int pid = Posix.Spawn("exit 3");
        string process = "/proc/" + pid.ToString(CultureInfo.InvariantCulture);

        // The Idle keeps Start(Once) from waiting if the Child is pending before Start begins. The timer of RunUntil cannot do that, because it is
        // not due on a manual clock.
        using Idle poll = loop.Idle((_, _) => Ev.Sleep(0.001));
        poll.Start();

        using (new BusyPool())
        {
            for (int i = 0; i < 2; i++)
            {
                using Child child = loop.Child(pid, trace: false, (_, _) => { });
                child.Start();
                RunUntil(loop, () => child.HasExited);
                child.Stop();
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"code {child.ExitCode}, pidfds {Pidfds()}"));
            }

            Console.WriteLine(Directory.Exists(process) ? "zombie" : "reaped too early");
        }

        bool reaped = RunUntil(loop, () => !Directory.Exists(process) && Pidfds() == 0);
        Console.WriteLine(reaped ? "reaped" : "left");
        return 0;

        static int Pidfds() => Directory.GetFiles("/proc/self/fd")
            .Count(f => new FileInfo(f).LinkTarget?.Contains("pidfd", StringComparison.Ordinal) == true);
    }

    /// <summary>
    /// Argument: the backend of another loop. The default loop has found that a child has ended, and waits with a timer for the busy pool.
    /// Then the other loop embeds it. Prints the reported exit code, or -1.
    /// </summary>
    internal static int ChildEmbed(string[] args)
    {
        using var outer = new Loop(LoopFlags.NoEnv, Enum.Parse<Backends>(args[0]));
        Loop loop = Loop.Default;
        int pid = Posix.Spawn("exit 3");

        using (new BusyPool())
        {
            using Child child = loop.Child(pid, trace: false, (_, _) => { });
            Posix.Until(() => Posix.IsZombie(pid));
            child.Start();
            loop.Start(RunFlags.NoWait);
            outer.Embed(loop).Start();
            RunUntil(outer, () => child.HasExited);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"code {(child.HasExited ? child.ExitCode : -1)}"));
        }

        return 0;
    }

    private static void TakeAll(Stack<SafeFileHandle> files)
    {
        try
        {
            while (true)
            {
                files.Push(File.OpenHandle("/dev/null"));
            }
        }
        catch (IOException)
        {
            // No fd is left.
        }
    }

    private static bool RunUntil(Loop loop, Func<bool> condition, double patience = Patience)
    {
        double end = Ev.Time() + patience;

        while (!condition() && Ev.Time() < end)
        {
            using Timer timer = loop.Timer(0.02, 0, (_, _) => { });
            timer.Start();
            loop.Start(RunFlags.Once);
        }

        return condition();
    }

    private static void Print(List<double> latencies, int missing)
    {
        latencies.Sort();
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"median {latencies[latencies.Count / 2]:0} ms, wrong {missing}"));
    }

    /// <summary>Blocks every thread of the pool until it is disposed.</summary>
    private sealed class BusyPool : IDisposable
    {
#pragma warning disable CA2213 // threads of the pool may still be inside its Wait
        private readonly ManualResetEventSlim _free = new();
#pragma warning restore CA2213

        internal BusyPool()
        {
            int threads = Math.Max(2, Environment.ProcessorCount);
            using var blocked = new CountdownEvent(threads);

            if (!ThreadPool.SetMinThreads(threads, threads) || !ThreadPool.SetMaxThreads(threads, threads))
            {
                throw new InvalidOperationException("The pool's size cannot be set.");
            }

            for (int i = 0; i < threads; i++)
            {
                ThreadPool.UnsafeQueueUserWorkItem(
                    _ =>
                    {
                        blocked.Signal();
                        _free.Wait();
                    },
                    null);
            }

            blocked.Wait();
        }

        public void Dispose() => _free.Set();
    }
}
