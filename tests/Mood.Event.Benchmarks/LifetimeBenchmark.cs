using System;
using System.Collections.Generic;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>The time and the managed memory that loops and watchers need to be made and disposed.</summary>
internal static partial class LifetimeBenchmark
{
    private const double MaxTime = 250, MaxBytes = 200;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int loops = quick ? 500 : 5000, watchers = quick ? 20_000 : 200_000;
        var contenders = new List<Contender>
        {
            new(Contender.Libev, () => Native.Check(bench_ev_loop(loops, 0), "loops")),
            new($"{Contender.Libev}, with an ev_async", () => Native.Check(bench_ev_loop(loops, 1), "loops")),
            new(Contender.Ours, () => Loops(loops)),
        };

        if (Native.HasLibuv)
        {
            contenders.Add(new(Contender.Libuv, () => Native.Check(bench_uv_loop(loops), "loops")));
        }

        yield return new Comparison("lifetime", "a loop made and disposed", "ns per loop", HigherIsBetter: false, null, contenders);

        int[] fds = RawSockets.SocketPairs(1);
        using var socket = new Socket(new SafeSocketHandle(fds[0], ownsHandle: true));
        using var other = new Socket(new SafeSocketHandle(fds[1], ownsHandle: true));
        (string Name, Func<Loop, Watcher> Make)[] kinds =
        [
            ("Timer", loop => loop.Timer(1, 0, (_, _) => { })),
            ("Io of a number", loop => loop.Io(fds[0], Events.Read, (_, _) => { })),
            ("Io of a Socket", loop => loop.Io(socket, Events.Read, (_, _) => { })),
            ("Idle", loop => loop.Idle((_, _) => { })),
            ("Async", loop => loop.Async((_, _) => { })),
        ];

        yield return Make("a watcher made and disposed: time", "ns", MaxTime, (time, _) => time);
        yield return Make("a watcher made and disposed: managed memory", "bytes", MaxBytes, (_, bytes) => bytes);

        Comparison Make(string name, string unit, double limit, Func<double, double, double> choose) => new(
            "lifetime", name, unit, HigherIsBetter: false, null, [.. Contenders(choose)])
        {
            Limit = limit,
            LimitPatience = 4,
        };

        IEnumerable<Contender> Contenders(Func<double, double, double> choose)
        {
            foreach ((string name, Func<Loop, Watcher> make) in kinds)
            {
                yield return new Contender($"{Contender.Ours}, {name}", () =>
                {
                    (double time, double bytes) = Watchers(make, watchers);
                    return choose(time, bytes);
                })
                {
                    HasTarget = name != "Io of a number", // the constructor makes a system call to check that the fd is open
                };
            }
        }
    }

    private static double Loops(int count)
    {
        int made = 0;
        double start = Measure.Busy;

        for (int i = 0; i < count; i++)
        {
            using var loop = new Loop();
            made += loop.Backend != Backends.Auto ? 1 : 0;
        }

        double time = Measure.Busy - start;
        Measure.Expect(made, count, "loops");
        return time / count;
    }

    private static (double Time, double Bytes) Watchers(Func<Loop, Watcher> make, int count)
    {
        using var loop = new Loop();
        int made = 0;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        double start = Measure.Busy;

        for (int i = 0; i < count; i++)
        {
            using Watcher watcher = make(loop);
            made += watcher.Loop == loop ? 1 : 0;
        }

        double time = Measure.Busy - start;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        Measure.Expect(made, count, "watchers");
        return (time / count, (double)allocated / count);
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_loop(int operations, int wakes);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_loop(int operations);
}
