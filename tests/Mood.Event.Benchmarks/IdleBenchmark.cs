using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>Start(NoWait), which games and embedders call in each frame: with nothing to do, and with one watcher.</summary>
internal static partial class IdleBenchmark
{
    internal static IEnumerable<Comparison> All(bool quick)
    {
        int runs = quick ? 100_000 : 1_000_000;
        yield return Make("Start(NoWait) with nothing to do", runs, watchers: 0);
        yield return Make("Start(NoWait) with one idle watcher", runs, watchers: 1);
    }

    private static Comparison Make(string name, int runs, int watchers) => new(
        "idle",
        name,
        "ns per Start",
        HigherIsBetter: false,
        1.2,
        [
            new(Contender.Libev, () => Native.Check(bench_ev_nowait(watchers, runs), name)),
            new(Contender.Ours, () => Round(watchers, runs)),
        ]);

    private static double Round(int watchers, int runs)
    {
        using var loop = new Loop();
        int calls = 0;

        // Each loop has an active timer, because a loop without an active watcher does not look for events.
        loop.Timer(1000, 0, (_, _) => { }).Start();

        for (int i = 0; i < watchers; i++)
        {
            loop.Idle((_, _) => calls++).Start();
        }

        double start = Measure.Busy;

        for (int i = 0; i < runs; i++)
        {
            loop.Start(RunFlags.NoWait);
        }

        double time = Measure.Busy - start;
        Measure.Expect(calls, (long)watchers * runs, "callbacks");
        return time / runs;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_nowait(int watchers, int runs);
}
