using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Async.Send: the time from one loop to a loop of another thread and back, and the cost of a Send for its caller.
/// </summary>
internal static partial class WakeBenchmark
{
    internal static IEnumerable<Comparison> All(bool quick)
    {
        int count = quick ? 10_000 : 50_000, sends = quick ? 200_000 : 2_000_000;

        foreach (bool same in new[] { true, false })
        {
            (int core, int hops) = same ? (Cores.First, count) : (Cores.Last, count / 5);
            yield return Make(
                $"from Send to the callback of another thread on {(same ? "the same" : "another")} core",
                "ns",
                1.1,
                () => bench_ev_wake(hops, core, same ? 1 : 0),
                () => bench_uv_wake(hops, core, same ? 1 : 0),
                () => Wake(hops, core, same));
        }

        yield return Make(
            "Send to a loop that runs on another core",
            "ns per Send",
            null,
            () => bench_ev_send(sends, Cores.Last),
            () => bench_uv_send(sends, Cores.Last),
            () => Send(sends, Cores.Last));
        yield return Make(
            "Send while an earlier Send is pending",
            "ns per Send",
            null,
            () => bench_ev_send_again(sends),
            () => bench_uv_send_again(sends),
            () => SendAgain(sends));
    }

    private static Comparison Make(
        string name, string unit, double? target, Func<double> libev, Func<double> libuv, Func<double> ours)
    {
        var contenders = new List<Contender>
        {
            new(Contender.Libev, () => OnFirstCore(() => Native.Check(libev(), name))),
            new(Contender.Ours, () => OnFirstCore(ours)),
        };

        if (Native.HasLibuv)
        {
            contenders.Add(new(Contender.Libuv, () => OnFirstCore(() => Native.Check(libuv(), name))));
        }

        return new Comparison("wake", name, unit, HigherIsBetter: false, target, contenders);
    }

    // Without pinning, chance decides whether the two threads run on one core or on two. The results then differ by a factor of ten.
    private static double OnFirstCore(Func<double> round)
    {
        Cores.Pin(Cores.First);

        try
        {
            return round();
        }
        finally
        {
            Cores.Unpin();
        }
    }

    /// <summary>
    /// Two threads whose loops wake each other. A hop is one wake. If both threads are on one core, processor time is measured,
    /// because the core is always busy with them.
    /// </summary>
    private static double Wake(int hops, int core, bool same)
    {
        using var here = new Loop();
        using var there = new Loop();
        int calls = 0, callsThere = 0, wanted = hops / 2;
        Async? ping = null, pong = null;

        pong = here.Async((_, _) =>
        {
            if (++calls < wanted)
            {
                ping!.Send();
            }
            else
            {
                here.Stop();
            }
        });
        ping = there.Async((_, _) =>
        {
            pong.Send();

            if (++callsThere == wanted)
            {
                there.Stop();
            }
        });
        pong.Start();
        ping.Start();
        Thread thread = Run(there, core);

        double start = same ? Measure.AllBusy : Measure.Now;
        ping.Send();
        here.Start();
        double time = (same ? Measure.AllBusy : Measure.Now) - start;

        thread.Join();
        Measure.Expect(calls + callsThere, 2 * wanted, "hops");
        return time / hops;
    }

    /// <summary>Sends as fast as one thread can, to a loop that runs on another core. The loop must see the last Send.</summary>
    private static double Send(int sends, int core)
    {
        using var there = new Loop();
        int published = 0, calls = 0;
        Async async = there.Async((_, _) =>
        {
            calls++;

            if (Volatile.Read(ref published) == sends)
            {
                there.Stop();
            }
        });
        async.Start();
        Thread thread = Run(there, core);
        double start = Measure.Now;

        for (int i = 1; i <= sends; i++)
        {
            Volatile.Write(ref published, i);
            async.Send();
        }

        double time = Measure.Now - start;
        thread.Join();
        Measure.Expect(calls > 0 && calls <= sends, $"{calls} callbacks");
        return time / sends;
    }

    /// <summary>Sends while an earlier Send is pending. The loop runs afterwards, and calls the callback once.</summary>
    private static double SendAgain(int sends)
    {
        using var here = new Loop();
        int calls = 0;
        Async async = here.Async((_, _) =>
        {
            calls++;
            here.Stop();
        });
        async.Start();
        async.Send();
        double start = Measure.Now;

        for (int i = 0; i < sends; i++)
        {
            async.Send();
        }

        double time = Measure.Now - start;
        here.Start();
        Measure.Expect(calls, 1, "callbacks");
        return time / sends;
    }

    private static Thread Run(Loop loop, int core)
    {
        var thread = new Thread(() =>
        {
            Cores.Pin(core);
            loop.Start();
        })
        {
            IsBackground = true,
        };
        thread.Start();
        return thread;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_wake(int hops, int core, int same);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_send(int sends, int core);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_send_again(int sends);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_wake(int hops, int core, int same);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_send(int sends, int core);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_send_again(int sends);
}
