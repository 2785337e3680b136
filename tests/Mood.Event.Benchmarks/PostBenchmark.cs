using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event.Benchmarks;

/// <summary>Loop.Post, compared with a queue under a mutex and an ev_async in C.</summary>
internal static partial class PostBenchmark
{
    private const int Producers = 16, Burst = 16;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int items = (quick ? 400_000 : 10_000_000) / Producers, alone = quick ? 400_000 : 2_000_000, rounds = quick ? 5_000 : 50_000;

        foreach ((string suffix, Action<Loop, Action, Action<int>> post) in new (string, Action<Loop, Action, Action<int>>)[]
        {
            ("", static (loop, action, _) => loop.Post(action)),
            (" with a state", static (loop, _, action) => loop.Post(action, 1)),
        })
        {
            yield return Make(
                FormattableString.Invariant($"{Producers} threads post {Producers * items:N0} items{suffix}"),
                () => bench_ev_post(Producers, items),
                () => Post(Producers, items, post));
            yield return Make(
                FormattableString.Invariant($"1 thread posts {alone:N0} items{suffix}"),
                () => bench_ev_post(1, alone),
                () => Post(1, alone, post));
            yield return Make(
                FormattableString.Invariant($"the loop's own thread posts {Burst} items{suffix} and runs the loop"),
                () => bench_ev_post_alone(rounds, Burst),
                () => PostAlone(rounds, post)) with
            {
                Patience = 2,
            };
        }

        // In some rounds the runtime itself allocates, because it still optimizes the code. The median hides these rounds.
        yield return new Comparison("post", $"managed memory per item, posts of {Burst}", "bytes", HigherIsBetter: false, null,
        [
            new(Contender.Ours, () => Allocated(rounds, (loop, action, _) => loop.Post(action))),
            new($"{Contender.Ours}, with a state", () => Allocated(rounds, (loop, _, action) => loop.Post(action, 1))),
        ])
        {
            Limit = 0,
        };

        // The producers get far ahead of the loop, so the queue needs more pieces than it keeps for reuse.
        yield return new Comparison(
            "post", $"managed memory per item, {Producers} threads", "bytes", HigherIsBetter: false, null,
            [new(Contender.Ours, () => AllocatedByAll(() => Post(Producers, items, (loop, action, _) => loop.Post(action)), Producers * items))]);
    }

    private static Comparison Make(string name, Func<double> libev, Func<double> ours) =>
        new("post", name, "ns per item", HigherIsBetter: false, Target: 1.5,
            Contenders: [new(Contender.Libev, () => Native.Check(libev(), name)), new(Contender.Ours, ours)])
        {
            // This is the elapsed time of several threads. With few items on a busy machine it depends on the scheduler only, so
            // --quick does not judge it.
            Patience = double.PositiveInfinity,
        };

    /// <summary>The time from the start of all threads until the last item was called.</summary>
    private static double Post(int producers, int items, Action<Loop, Action, Action<int>> post)
    {
        using var loop = new Loop();
        using var begin = new Barrier(producers + 1);
        long calls = 0, wanted = (long)producers * items;
        Action action = () => Count();
        Action<int> withState = _ => Count();
        Thread[] threads = [.. Enumerable.Range(0, producers).Select(_ => new Thread(() =>
        {
            begin.SignalAndWait();

            for (int i = 0; i < items; i++)
            {
                post(loop, action, withState);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        loop.IncRef();
        begin.SignalAndWait();
        double time = Measure.Now;
        loop.Start();
        time = Measure.Now - time;
        Array.ForEach(threads, t => t.Join());
        Measure.Expect(calls, wanted, "calls");
        return time / wanted;

        void Count()
        {
            if (++calls == wanted)
            {
                loop.Stop();
            }
        }
    }

    private static double PostAlone(int rounds, Action<Loop, Action, Action<int>> post)
    {
        using var loop = new Loop();
        long calls = 0;
        Action action = () => calls++;
        Action<int> withState = _ => calls++;
        double time = Measure.Busy;

        for (int i = 0; i < rounds; i++)
        {
            for (int k = 0; k < Burst; k++)
            {
                post(loop, action, withState);
            }

            loop.Start(RunFlags.Once);
        }

        time = Measure.Busy - time;
        Measure.Expect(calls, (long)rounds * Burst, "calls");
        return time / calls;
    }

    private static double Allocated(int rounds, Action<Loop, Action, Action<int>> post)
    {
        using var loop = new Loop();
        long calls = 0, before = 0;
        Action action = () => calls++;
        Action<int> withState = _ => calls++;

        for (int i = -10; i < rounds; i++)
        {
            // The first few posts allocate the arrays.
            if (i == 0)
            {
                before = GC.GetAllocatedBytesForCurrentThread();
            }

            for (int k = 0; k < Burst; k++)
            {
                post(loop, action, withState);
            }

            loop.Start(RunFlags.Once);
        }

        long bytes = GC.GetAllocatedBytesForCurrentThread() - before;
        Measure.Expect(calls, (rounds + 10L) * Burst, "calls");
        return bytes / ((double)rounds * Burst);
    }

    private static double AllocatedByAll(Action action, int items)
    {
        long before = GC.GetTotalAllocatedBytes(precise: true);
        action();
        return (GC.GetTotalAllocatedBytes(precise: true) - before) / (double)items;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_post(int producers, int items);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_post_alone(int rounds, int burst);
}
