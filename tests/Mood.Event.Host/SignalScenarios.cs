using System;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mood.Event.Host;

/// <summary>One signal, and who else in the process listens to it.</summary>
internal static class SignalScenarios
{
    private const double Patience = 5;

    /// <summary>
    /// SIGNUM STEP...: a+ a- b+ b- start and stop two watchers on one loop, r+ r- make and dispose a registration with the
    /// runtime, d disposes the loop. Then the signal is sent. Without steps the library is not even loaded.
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

    /// <summary>SIGNUM before|after: a watcher started before or after the generic host, which the signal stops.</summary>
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
#pragma warning disable CA2025 // it disposes the host itself, and is awaited below
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

    /// <summary>before|after cancel|leave: Console.CancelKeyPress beside a watcher, and what it does with Cancel.</summary>
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
        Thread.Sleep(100); // its default action would come after both
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"seen {seen}, presses {presses}"));
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
