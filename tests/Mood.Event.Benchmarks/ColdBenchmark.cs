using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The first seconds of a program on one processor, as in a small container. It shows the cost of an event before and after the
/// runtime has compiled the hot methods. Each round runs in a new process.
/// </summary>
internal static class ColdBenchmark
{
    internal const string Command = "serve-cold";
    private const int Watchers = 1000, Seconds = 4, SliceInMilliseconds = 1000;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int seconds = quick ? 1 : Seconds;
        double[] ours = [];
        double libev = 0;
        yield return new Comparison(
            "cold",
            "the first second of a program on one processor, 1000 idle watchers",
            "ns per callback",
            HigherIsBetter: false,
            2,
            [
                new(Contender.Libev, () => libev = DispatchBenchmark.RoundInC(Watchers, 2_000_000)),
                new(Contender.Ours, () => (ours = Measure(seconds))[0]),
            ])
        {
            Readings =
            [
                .. Enumerable.Range(1, seconds - 1).Select(i => new Reading(
                    $"second {i + 1}", "ns per callback", HigherIsBetter: false, null, name => name == Contender.Ours ? ours[i] : libev)),
            ],
        };
    }

    /// <summary>The main function of such a process. It prints the processor time per callback for each second.</summary>
    internal static void Run(int seconds)
    {
        using var loop = new Loop();
        long calls = 0;

        for (int i = 0; i < Watchers; i++)
        {
            loop.Idle((_, _) => calls++).Start();
        }

        long begun = Stopwatch.GetTimestamp(), before = 0;
        double busy = Benchmarks.Measure.Busy;
        int slices = 0;

        // The clock is read once per iteration, in which a thousand callbacks run.
        loop.Prepare((_, _) =>
        {
            if (Stopwatch.GetElapsedTime(begun).TotalMilliseconds >= (slices + 1) * SliceInMilliseconds)
            {
                double now = Benchmarks.Measure.Busy;
                Console.Out.WriteLine(((now - busy) / (calls - before)).ToString(CultureInfo.InvariantCulture));
                busy = now;
                before = calls;

                if (++slices == seconds)
                {
                    loop.Stop(BreakHow.All);
                }
            }
        }).Start();
        loop.Start();
    }

    private static double[] Measure(int seconds)
    {
        var start = new ProcessStartInfo(Path.Combine(Native.Directory, "pin")) { RedirectStandardOutput = true };
        string[] arguments =
        [
            Cores.First.ToString(CultureInfo.InvariantCulture),
            Path.Combine(AppContext.BaseDirectory, "Mood.Event.Benchmarks"),
            Command,
            seconds.ToString(CultureInfo.InvariantCulture),
        ];

        foreach (string argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        using Process process = Process.Start(start)!;
        string[] lines = process.StandardOutput.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
        process.WaitForExit();
        Benchmarks.Measure.Expect(process.ExitCode == 0 && lines.Length == seconds, $"the process ended with status {process.ExitCode}");
        return Array.ConvertAll(lines, l => double.Parse(l, CultureInfo.InvariantCulture));
    }
}
