using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>Io watchers that are started, stopped and changed all the time: of a number, a SafeHandle and a Socket.</summary>
internal static partial class ChurnBenchmark
{
    private const int Count = 100;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int operations = quick ? 100_000 : 1_000_000;
        int[] fds = Posix.SocketPairs(Count / 2);
        Socket[] sockets = [.. fds.Select(fd => new Socket(new SafeSocketHandle(fd, ownsHandle: true)) { Blocking = false })];

        yield return Make(
            "start and stop, no iteration",
            "ns per start and stop",
            1.3,
            () => bench_ev_churn(fds, Count, operations, 0),
            of => StartAndStop(of, operations, iterate: false),
            () => bench_uv_churn(fds, Count, operations, 0));
        yield return Make(
            "start, iteration, stop, iteration",
            "ns per start and stop",
            1.3,
            () => bench_ev_churn(fds, Count, operations / 4, 1),
            of => StartAndStop(of, operations / 4, iterate: true),
            () => bench_uv_churn(fds, Count, operations / 4, 1));
        yield return Make(
            "Events changed, iteration",
            "ns per change",
            null,
            () => bench_ev_churn_events(fds, Count, operations / 4),
            of => Change(of, operations / 4),
            () => bench_uv_churn_events(fds, Count, operations / 4));

        foreach (Socket socket in sockets)
        {
            socket.Dispose();
        }

        Comparison Make(
            string name, string unit, double? target, Func<double> libev, Func<Func<Loop, int, Action<Io, Events>, Io>, double> ours, Func<double> libuv)
        {
            var contenders = new List<Contender>
            {
                new(Contender.Libev, () => Native.Check(libev(), name)),
                new(Contender.Ours, () => ours((loop, i, callback) => loop.Io(fds[i], Events.Read, callback))),
                new($"{Contender.Ours}, SafeHandle", () => ours((loop, i, callback) => loop.Io(sockets[i].SafeHandle, Events.Read, callback))),
                new($"{Contender.Ours}, Socket", () => ours((loop, i, callback) => loop.Io(sockets[i], Events.Read, callback))),
            };

            if (Native.HasLibuv)
            {
                contenders.Add(new(Contender.Libuv, () => Native.Check(libuv(), name)));
            }

            return new Comparison("churn", name, unit, HigherIsBetter: false, target, contenders);
        }
    }

    private static double StartAndStop(Func<Loop, int, Action<Io, Events>, Io> make, int operations, bool iterate)
    {
        using var loop = new Loop();
        int calls = 0, active = 0;
        Io[] ios = [.. Enumerable.Range(0, Count).Select(i => make(loop, i, (_, _) => calls++))];
        double start = Measure.Busy;

        for (int i = 0, k = 0; i < operations; i++)
        {
            Io io = ios[k];
            io.Start();
            active += io.IsActive ? 1 : 0;

            if (iterate)
            {
                loop.Start(RunFlags.NoWait);
            }

            io.Stop();

            if (iterate)
            {
                loop.Start(RunFlags.NoWait);
            }

            if (++k == ios.Length)
            {
                k = 0;
            }
        }

        double time = Measure.Busy - start;
        Measure.Expect(active, operations, "active watchers");
        Measure.Expect(calls, 0, "calls");
        return time / operations;
    }

    private static double Change(Func<Loop, int, Action<Io, Events>, Io> make, int operations)
    {
        using var loop = new Loop();
        int calls = 0;
        Io[] ios = [.. Enumerable.Range(0, Count).Select(i => make(loop, i, (_, _) => calls++))];

        foreach (Io io in ios)
        {
            io.Start();
        }

        double start = Measure.Busy;

        for (int i = 0, k = 0; i < operations; i++)
        {
            // one is changed twice in a row, so that it is writable for one iteration
            ios[k].Events = (i & 1) == 0 ? Events.Read | Events.Write : Events.Read;
            loop.Start(RunFlags.NoWait);

            if ((i & 1) == 1 && ++k == ios.Length)
            {
                k = 0;
            }
        }

        double time = Measure.Busy - start;
        Measure.Expect(calls, operations / 2, "calls");
        return time / operations;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_churn(int[] fds, int count, int operations, int iterate);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_churn_events(int[] fds, int count, int operations);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_churn(int[] fds, int count, int operations, int iterate);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_churn_events(int[] fds, int count, int operations);
}
