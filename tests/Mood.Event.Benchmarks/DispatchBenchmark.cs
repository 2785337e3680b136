using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The cost of the calls of callbacks alone. The watchers are idle watchers, which are pending in every iteration.
/// </summary>
internal static partial class DispatchBenchmark
{
    internal static IEnumerable<Comparison> All(bool quick)
    {
        yield return Make("1000 idle watchers", 1000, 2_000_000, target: 1.5) with
        {
            RoundsFactor = quick ? 3 : 5,
            Patience = 3, // a bad layout of memory costs a factor of 2
        };
        yield return Make("1 idle watcher", 1, quick ? 100_000 : 1_000_000, target: null);
    }

    internal static double RoundInC(int watchers, int callbacks) => Native.Check(bench_ev_dispatch(watchers, callbacks), "dispatch");

    private static Comparison Make(string name, int watchers, int callbacks, double? target)
    {
        var contenders = new List<Contender>
        {
            new(Contender.Libev, () => Native.Check(bench_ev_dispatch(watchers, callbacks), name)),
            new(Contender.Ours, () => Round(watchers, callbacks, closures: false)),
        };

        if (watchers > 1)
        {
            contenders.Add(new(Contender.OursClosures, () => Round(watchers, callbacks, closures: true)));
        }

        if (Native.HasLibuv)
        {
            contenders.Add(new(Contender.Libuv, () => Native.Check(bench_uv_dispatch(watchers, callbacks), name)));
        }

        return new Comparison("dispatch", name, "ns per callback", HigherIsBetter: false, target, contenders);
    }

    // Without closures, all watchers share one delegate, as they share one function in C. With closures, each watcher has its own,
    // as a lambda inside a loop makes it.
    private static double Round(int watchers, int callbacks, bool closures)
    {
        using var loop = new Loop();
        int calls = 0;
        Action<Idle, Events> called = Make();

        for (int i = 0; i < watchers; i++)
        {
            loop.Idle(closures ? Make() : called).Start();
        }

        Action<Idle, Events> Make() => (_, _) =>
        {
            if (++calls == callbacks)
            {
                loop.Stop(BreakHow.All);
            }
        };

        double start = Measure.Busy;
        loop.Start();
        double time = Measure.Busy - start;

        // After the Stop, the watchers that are still pending in the iteration are called too.
        Measure.Expect(calls >= callbacks && calls < callbacks + watchers, $"{calls} callbacks instead of {callbacks}");
        return time / calls;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_dispatch(int watchers, int callbacks);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_dispatch(int watchers, int callbacks);
}
