using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mood.Event.Host;

/// <summary>A process gets a signal that a watcher watches, or for which other parts of .NET have handlers.</summary>
internal static class SignalScenarios
{
    private const double Patience = 5;

    /// <summary>
    /// Arguments: SIGNUM STEP... The steps a+, a-, b+ and b- start and stop two watchers on one loop; r+ and r- make and dispose
    /// a registration with the runtime; d disposes the loop. Then the signal is sent. Without steps, the library is not loaded.
    /// </summary>
    internal static int Signal(string[] args)
    {
        int signum = int.Parse(args[0], CultureInfo.InvariantCulture);

        if (args.Length == 1)
        {
            Posix.Raise(signum);
            Thread.Sleep(TimeSpan.FromSeconds(Patience));
            Console.WriteLine("survived");
            return 0;
        }

        int a = 0, b = 0, r = 0;
        PosixSignalRegistration? registration = null;
        using var loop = new Loop(LoopFlags.NoEnv);
        using Signal first = loop.Signal(signum, (_, _) => a++), second = loop.Signal(signum, (_, _) => b++);

        foreach (string step in args[1..])
        {
            switch (step)
            {
                case "a+": first.Start(); break;
                case "a-": first.Stop(); break;
                case "b+": second.Start(); break;
                case "b-": second.Stop(); break;
                case "r+": registration = PosixSignalRegistration.Create((PosixSignal)signum, Register); break;
                case "r-":
                    registration?.Dispose();
                    registration = null;
                    break;
                case "d": loop.Dispose(); break;
                default: throw new ArgumentException(step, nameof(args));
            }
        }

        bool watched = first.IsActive;
        Posix.Raise(signum);

        for (var watch = Stopwatch.StartNew(); watch.Elapsed.TotalSeconds < Patience; Thread.Sleep(1))
        {
            if (watched && a > 0 && (registration is null || Volatile.Read(ref r) > 0))
            {
                break;
            }

            if (watched)
            {
                loop.Start(RunFlags.NoWait);
            }
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"a {a} b {b} r {r}"));
        registration?.Dispose();
        return 0;

        void Register(PosixSignalContext context)
        {
            context.Cancel = true;
            Interlocked.Increment(ref r);
        }
    }

    /// <summary>
    /// Arguments: SIGNUM, and before or after. Starts a watcher before or after the generic host. The signal stops the host.
    /// </summary>
    internal static async Task<int> Hosting(string[] args)
    {
        int signum = int.Parse(args[0], CultureInfo.InvariantCulture), seen = 0;
        IHost host = new HostBuilder().UseConsoleLifetime(options => options.SuppressStatusMessages = true).Build();
        using var loop = new Loop(LoopFlags.NoEnv);
        using Signal signal = loop.Signal(signum, (_, _) => seen++);

        if (args[1] == "before")
        {
            signal.Start();
        }

        WaitHandle started = host.Services.GetRequiredService<IHostApplicationLifetime>().ApplicationStarted.WaitHandle;
#pragma warning disable CA2025 // the task disposes the host, and is awaited below
        Task run = host.RunAsync();
#pragma warning restore CA2025
        started.WaitOne();

        if (args[1] == "after")
        {
            signal.Start();
        }

        Posix.Raise(signum);
        RunUntil(loop, () => seen > 0 && run.IsCompleted);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seen {seen}, host {(run.IsCompleted ? "stopped" : "runs")}"));
        await run;
        return 0;
    }

    /// <summary>
    /// Arguments: before or after, and cancel or leave. Adds a handler of Console.CancelKeyPress before or after a watcher is started. The
    /// handler sets Cancel to true or false.
    /// </summary>
    internal static int CancelKey(string[] args)
    {
        int seen = 0, presses = 0;
        using var loop = new Loop(LoopFlags.NoEnv);
        using Signal signal = loop.Signal(Signum.SIGINT, (_, _) => seen++);

        if (args[0] == "before")
        {
            signal.Start();
        }

        Console.CancelKeyPress += (_, e) =>
        {
            e.Cancel = args[1] == "cancel";
            Interlocked.Increment(ref presses);
        };

        if (args[0] == "after")
        {
            signal.Start();
        }

        Posix.Raise(Signum.SIGINT);
        RunUntil(loop, () => seen > 0 && Volatile.Read(ref presses) > 0);
        Thread.Sleep(100); // the default action, if any, comes after both handlers
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seen {seen}, presses {presses}"));
        return 0;
    }

    /// <summary>
    /// Arguments: SIGNUM... Runs in a process that was started with signals blocked or ignored. Starts a watcher for each signal,
    /// sends the signal, and stops the watcher. Prints the number of calls, or the reason why Start refuses, and the duration of
    /// the longest Stop in milliseconds.
    /// </summary>
    internal static int Masked(string[] args)
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        double longest = 0;

        foreach (string text in args)
        {
            int signum = int.Parse(text, CultureInfo.InvariantCulture), calls = 0;
            using Signal signal = loop.Signal(signum, (_, _) => calls++);

            try
            {
                signal.Start();
            }
            catch (EventException e)
            {
                Console.WriteLine(e.Message);
                continue;
            }

            Posix.Raise(signum);

            for (var patience = Stopwatch.StartNew(); calls == 0 && patience.Elapsed.TotalSeconds < 1; Thread.Sleep(1))
            {
                loop.Start(RunFlags.NoWait);
            }

            var stop = Stopwatch.StartNew();
            signal.Stop();
            longest = Math.Max(longest, stop.Elapsed.TotalMilliseconds);
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{signum}: {calls}"));
        }

        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"longest stop {longest:0} ms"));
        return 0;
    }

    /// <summary>
    /// Arguments: SIGNUM ROUNDS. Two loops watch the signal in turn. It is sent right before each watcher stops, while three
    /// threads compute. The kernel delivers many of the signals to the main thread, often late: one in some thousands comes after the
    /// registration was disposed.
    /// </summary>
    internal static int LateSignals(string[] args)
    {
        int signum = int.Parse(args[0], CultureInfo.InvariantCulture), rounds = int.Parse(args[1], CultureInfo.InvariantCulture);

        for (int i = 0; i < 3; i++)
        {
            new Thread(() =>
            {
                while (true)
                {
                }
            })
            { IsBackground = true }.Start();
        }

        var thread = new Thread(() =>
        {
            using Loop first = new(LoopFlags.NoEnv), second = new(LoopFlags.NoEnv);
            Signal[] signals = [first.Signal(signum, (_, _) => { }), second.Signal(signum, (_, _) => { })];

            for (int i = 0; i < rounds; i++)
            {
                signals[i % 2].Start();
                Posix.Raise(signum);
                signals[i % 2].Stop();
            }
        });
        thread.Start();

        while (!thread.Join(5))
        {
            // The kernel delivers signals to the main thread while it waits here.
        }

        Console.WriteLine("survived");
        return 0;
    }

    /// <summary>Argument: COUNT. Measures the median duration of a Stop of the only watcher while COUNT threads compute without end.</summary>
    internal static int StopBesideThreads(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture);
        bool over = false;
        var threads = new Thread[count];

        for (int i = 0; i < count; i++)
        {
            threads[i] = new Thread(() =>
            {
                while (!Volatile.Read(ref over))
                {
                }
            });
            threads[i].Start();
        }

        using var loop = new Loop(LoopFlags.NoEnv);
        using Signal signal = loop.Signal(Signum.SIGUSR1, (_, _) => { });
        double[] stops = new double[15];

        for (int i = 0; i < stops.Length; i++)
        {
            signal.Start();
            var watch = Stopwatch.StartNew();
            signal.Stop();
            stops[i] = watch.Elapsed.TotalMilliseconds;
        }

        Volatile.Write(ref over, true);
        Array.ForEach(threads, t => t.Join());
        Array.Sort(stops);
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"median {stops[stops.Length / 2]:0.0} ms, longest {stops[^1]:0.0} ms"));
        return 0;
    }

    private static void RunUntil(Loop loop, Func<bool> condition)
    {
        double end = Ev.Time() + Patience;
        loop.Timer(0, 0.001, (_, _) =>
        {
            if (condition() || Ev.Time() > end)
            {
                loop.Stop();
            }
        }).Start();
        loop.Start();
    }
}
