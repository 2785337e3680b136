using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>Many timers are started and expire, and timers are reset, with and without a large number of other timers.</summary>
internal static partial class TimerBenchmark
{
    // There is no target for a single Reset, start or stop, because C does it in 5 ns and no program notices the difference
    // (docs/benchmarks.md).
    private const double Target = 1.3;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int fired = quick ? 10_000 : 100_000, passes = 10;
        double[] soon = Times(fired, 0, 0.01);
        yield return Make(
            $"start and fire {fired:#,0} timers due within 10 ms",
            "ns per timer",
            () => bench_ev_timers_fire(soon, fired, passes),
            [new(Contender.Ours, () => Fire(soon, passes))],
            () => bench_uv_timers_fire(soon, fired, passes));

        const int Due = 1000;
        int callbacks = quick ? 500_000 : 5_000_000;
        yield return Make(
            $"{Due:#,0} timers expire and repeat in every iteration",
            "ns per timer",
            () => bench_ev_timers_repeat([], 0, Due, callbacks, out _),
            [new(Contender.Ours, () => Repeat([], Due, callbacks, out _))],
            null); // a timer of libuv repeats at most once per millisecond

        const int Active = 10_000;
        int operations = quick ? 200_000 : 2_000_000;
        yield return Reset($"Reset of {Active:#,0} timers of 60 s each", Times(Active, 60, 60), others: 0, operations);
        yield return Reset($"Reset of {Active:#,0} timers of 10 to 20 s", Times(Active, 10, 20), others: 0, operations);

        int others = quick ? 100_000 : 1_000_000;
        const int Mine = 1000;
        double[] late = Times(others + Mine, 100, 1000);
        yield return Reset($"Reset of {Mine:#,0} timers beside {others:#,0} pending", late, others, operations);
        yield return Make(
            $"start and stop beside {others:#,0} pending timers",
            "ns per start and stop",
            () => bench_ev_timers_start(late, others, Mine, operations / Mine),
            [
                new(Contender.Ours, () => Start(late, others, operations / Mine, inCallback: true)),
                new(Contender.OursOutside, () => Start(late, others, operations / Mine, inCallback: false)),
            ],
            () => bench_uv_timers_start(late, others, Mine, operations / Mine)) with
        {
            Target = null,
        };
    }

    /// <summary>Repeating timers are due in every iteration, beside other timers that are never due.</summary>
    /// <param name="others">The times of the other timers.</param>
    /// <param name="due">The number of timers that are due.</param>
    /// <param name="callbacks">The number of calls that are measured.</param>
    /// <param name="bytes">The managed and native memory per other timer.</param>
    internal static double Repeat(double[] others, int due, int callbacks, out double bytes)
    {
        using var loop = new Loop();
        int calls = 0;
        long managed = GC.GetAllocatedBytesForCurrentThread(), native = Measure.Malloced;

        foreach (double time in others)
        {
            loop.Timer(time, 0, (_, _) => calls++).Start();
        }

        bytes = (GC.GetAllocatedBytesForCurrentThread() - managed + Measure.Malloced - native) / (double)others.Length;

        for (int i = 0; i < due; i++)
        {
            loop.Timer(0, 1e-9, (_, _) =>
            {
                if (++calls == callbacks)
                {
                    loop.Stop(BreakHow.All);
                }
            }).Start();
        }

        loop.Start(RunFlags.NoWait);
        calls = 0;
        double start = Measure.Busy;
        loop.Start();
        double busy = Measure.Busy - start;
        Measure.Expect(calls >= callbacks && calls < callbacks + due, $"{calls} calls instead of {callbacks}");
        return busy / calls;
    }

    /// <summary>Does the same in C.</summary>
    internal static double RepeatInC(double[] others, int due, int callbacks, out double bytes) =>
        Native.Check(bench_ev_timers_repeat(others, others.Length, due, callbacks, out bytes), "timers beside others");

    internal static double[] Times(int count, double from, double to)
    {
        var random = new Random(1);
        return [.. Enumerable.Range(0, count).Select(_ => from + random.NextDouble() * (to - from))];
    }

    private static double Fire(double[] times, int passes)
    {
        using var loop = new Loop();
        int calls = 0;
        Timer[] timers = [.. times.Select(_ => loop.Timer(0, 0, (_, _) => calls++))];
        double start = Measure.Busy;

        for (int pass = 0; pass < passes; pass++)
        {
            loop.Now(update: true);

            for (int i = 0; i < timers.Length; i++)
            {
                timers[i].Set(times[i], 0);
                timers[i].Start();
            }

            loop.Start();
        }

        double time = Measure.Busy - start;
        Measure.Expect(calls, (long)times.Length * passes, "timers that fired");
        return time / calls;
    }

    private static Comparison Reset(string name, double[] times, int others, int operations)
    {
        int mine = times.Length - others;
        return Make(
            name,
            "ns per Reset",
            () => bench_ev_timers_again(times, others, mine, operations),
            [
                new(Contender.Ours, () => Reset(times, others, operations, inCallback: true)),
                new(Contender.OursOutside, () => Reset(times, others, operations, inCallback: false)),
            ],
            () => bench_uv_timers_again(times, others, mine, operations)) with
        {
            Target = null,

            // In C the cost is nearly 0. Here it depends on the processor's caches: while the machine does other work, it is
            // three times as high.
            Patience = 5,
        };
    }

    private static double Reset(double[] times, int others, int operations, bool inCallback)
    {
        using var loop = new Loop();
        int calls = 0;
        double time = 0;
        Timer[] mine = Crowd(loop, times, others, () => calls++);

        foreach (Timer timer in mine)
        {
            timer.Reset();
        }

        Measure.Run(loop, inCallback, () =>
        {
            double start = Measure.Busy;

            for (int i = 0, k = 0; i < operations; i++)
            {
                mine[k].Reset();

                if ((k += 7919) >= mine.Length)
                {
                    k %= mine.Length;
                }

                if (i % 1000 == 999)
                {
                    loop.Now(update: true); // the time of the loop moves
                }
            }

            time = Measure.Busy - start;
        });
        Measure.Expect(calls, 0, "calls");
        Measure.Expect(mine[0].Remaining > 0 && mine[0].Remaining <= times[others], "the time left is wrong");
        return time / operations;
    }

    private static double Start(double[] times, int others, int passes, bool inCallback)
    {
        using var loop = new Loop();
        Timer[] mine = Crowd(loop, times, others, () => { });
        int active = 0;
        double time = 0;

        Measure.Run(loop, inCallback, () =>
        {
            double start = Measure.Busy;

            for (int pass = 0; pass < passes; pass++)
            {
                foreach (Timer timer in mine)
                {
                    timer.Start();
                }

                active += mine[pass % mine.Length].IsActive ? 1 : 0;

                foreach (Timer timer in mine)
                {
                    timer.Stop();
                }

                active -= mine[pass % mine.Length].IsActive ? 1 : 0;
            }

            time = Measure.Busy - start;
        });
        Measure.Expect(active, passes, "active timers");
        return time / passes / mine.Length;
    }

    /// <summary>Starts the other timers. Makes the measured timers, each with its own repeat.</summary>
    private static Timer[] Crowd(Loop loop, double[] times, int others, Action called)
    {
        foreach (double time in times.AsSpan(0, others))
        {
            loop.Timer(time, 0, (_, _) => called()).Start();
        }

        return [.. times.Skip(others).Select(time => loop.Timer(time, time, (_, _) => called()))];
    }

    private static Comparison Make(
        string name, string unit, Func<double> libev, IEnumerable<Contender> ours, Func<double>? libuv)
    {
        List<Contender> contenders = [new(Contender.Libev, () => Native.Check(libev(), name)), .. ours];

        if (libuv is not null && Native.HasLibuv)
        {
            contenders.Add(new(Contender.Libuv, () => Native.Check(libuv(), name)));
        }

        return new Comparison("timers", name, unit, HigherIsBetter: false, Target, contenders);
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_timers_fire(double[] times, int count, int passes);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_timers_repeat(double[] times, int others, int active, int callbacks, out double bytes);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_timers_again(double[] times, int others, int count, int operations);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_timers_start(double[] times, int others, int count, int passes);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_timers_fire(double[] times, int count, int passes);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_timers_again(double[] times, int others, int count, int operations);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_timers_start(double[] times, int others, int count, int passes);
}
