using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;

namespace Mood.Event.Host;

/// <summary>Many signals at once, and many in sequence.</summary>
internal static class StormScenarios
{
    private const int Threads = 4;

    /// <summary>
    /// Arguments: COUNT FLAGS. Four threads send this process three signals, COUNT times in all. After the last signal of each number, its
    /// watcher must be called.
    /// </summary>
    internal static int Storm(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture) / Threads;
        int[] signals = [Signum.SIGUSR1, Signum.SIGUSR2, Signum.SIGTERM];
        long[] killed = new long[signals.Length], seen = new long[signals.Length], calls = new long[signals.Length];
        int running = Threads;
        var gate = new Lock();
        using var loop = new Loop(Enum.Parse<LoopFlags>(args[1]) | LoopFlags.NoEnv);

        for (int i = 0; i < signals.Length; i++)
        {
            int k = i;
            loop.Signal(signals[i], (_, _) =>
            {
                seen[k] = Stopwatch.GetTimestamp();
                calls[k]++;
            }).Start();
        }

        for (int t = 0; t < Threads; t++)
        {
            int first = t;
            new Thread(() =>
            {
                long[] last = new long[signals.Length];

                for (int n = 0; n < count; n++)
                {
                    int k = (first + n) % signals.Length;
                    last[k] = Stopwatch.GetTimestamp();
                    Posix.Raise(signals[k]);
                }

                lock (gate)
                {
                    for (int k = 0; k < killed.Length; k++)
                    {
                        killed[k] = Math.Max(killed[k], last[k]);
                    }
                }

                Interlocked.Decrement(ref running);
            }).Start();
        }

        double end = Ev.Time() + 20;
        loop.Timer(0, 0.005, (_, _) =>
        {
            if ((Volatile.Read(ref running) == 0 && Enumerable.Range(0, signals.Length).All(k => seen[k] >= killed[k])) || Ev.Time() > end)
            {
                loop.Stop();
            }
        }).Start();
        loop.Start();

        bool all = Volatile.Read(ref running) == 0 && Enumerable.Range(0, signals.Length).All(k => seen[k] >= killed[k]);
        Console.WriteLine($"{(all ? "all seen" : "LOST")}: {string.Join(' ', calls)}");
        return 0;
    }

    /// <summary>Argument: COUNT. Measures the time from a kill on another thread to the callback, for COUNT signals.</summary>
    internal static int Latency(string[] args)
    {
        int count = int.Parse(args[0], CultureInfo.InvariantCulture), done = 0;
        long[] ticks = new long[count];
        long sent = 0;
        using var loop = new Loop(LoopFlags.NoEnv);
        using var arrived = new SemaphoreSlim(0);
        loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            ticks[done++] = Stopwatch.GetTimestamp() - Volatile.Read(ref sent);

            if (done == count)
            {
                w.Stop();
            }

            arrived.Release();
        }).Start();
        var sender = new Thread(() =>
        {
            for (int n = 0; n < count; n++)
            {
                Thread.Sleep(0); // gives the loop's thread the time to wait again
                Volatile.Write(ref sent, Stopwatch.GetTimestamp());
                Posix.Raise(Signum.SIGUSR1);
                arrived.Wait();
            }
        });
        sender.Start();
        loop.Start();
        sender.Join();
        Array.Sort(ticks);
        double scale = 1e6 / Stopwatch.Frequency;
        Console.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"kill to callback, {count} signals: median {ticks[count / 2] * scale:0} us, p99 {ticks[count * 99 / 100] * scale:0} us"));
        return 0;
    }
}
