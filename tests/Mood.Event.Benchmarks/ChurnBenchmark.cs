using System;
using System.Collections.Generic;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// Io watchers are started, stopped and changed repeatedly. Their fd is given as a number, as a SafeHandle or as a Socket.
/// </summary>
internal static partial class ChurnBenchmark
{
    private const int Count = 100;

    private delegate Io MakeIo(Loop loop, int i, Action<Io, Events> callback);

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int operations = quick ? 100_000 : 1_000_000;
        int[] fds = RawSockets.SocketPairs(Count / 2);
        Socket[] sockets = [.. fds.Select(fd => new Socket(new SafeSocketHandle(fd, ownsHandle: true)) { Blocking = false })];

        yield return Make(
            "start and stop",
            "ns per start and stop",
            null, // no target, because C only writes a few words; the next comparison includes the iteration that tells the kernel
            8, // a Start makes a system call here and none in C, and a system call takes several times as long on some virtual machines
            () => bench_ev_churn(fds, Count, operations / Count),
            of => StartAndStop(of, operations / Count, inCallback: true),
            () => bench_uv_churn(fds, Count, operations / Count),
            new Contender(Contender.OursOutside, () => StartAndStop(OfNumber, operations / Count, inCallback: false)));
        yield return Make(
            "start, iteration, stop, iteration",
            "ns per start and stop",
            1.3,
            2,
            () => bench_ev_churn_iterations(fds, Count, operations / 4),
            of => Iterate(of, operations / 4),
            () => bench_uv_churn_iterations(fds, Count, operations / 4));
        yield return Make(
            "Events changed, iteration",
            "ns per change",
            null,
            2,
            () => bench_ev_churn_events(fds, Count, operations / 4),
            of => Change(of, operations / 4),
            () => bench_uv_churn_events(fds, Count, operations / 4));

        foreach (Socket socket in sockets)
        {
            socket.Dispose();
        }

        Io OfNumber(Loop loop, int i, Action<Io, Events> callback) => loop.Io(fds[i], Events.Read, callback);

        Comparison Make(
            string name,
            string unit,
            double? target,
            double patience,
            Func<double> libev,
            Func<MakeIo, double> ours,
            Func<double> libuv,
            params Contender[] more)
        {
            List<Contender> contenders =
            [
                new(Contender.Libev, () => Native.Check(libev(), name)),
                new(Contender.Ours, () => ours(OfNumber)) { HasTarget = false }, // each Start makes a system call to check that the fd is open
                new($"{Contender.Ours}, SafeHandle", () => ours((l, i, callback) => l.Io(sockets[i].SafeHandle, Events.Read, callback))),
                new($"{Contender.Ours}, Socket", () => ours((l, i, callback) => l.Io(sockets[i], Events.Read, callback))),
                .. more,
            ];

            if (Native.HasLibuv)
            {
                contenders.Add(new(Contender.Libuv, () => Native.Check(libuv(), name)));
            }

            return new Comparison("churn", name, unit, HigherIsBetter: false, target, contenders) { Patience = patience };
        }
    }

    private static double StartAndStop(MakeIo make, int passes, bool inCallback)
    {
        using var loop = new Loop();
        int calls = 0, active = 0;
        double time = 0;
        Io[] ios = [.. Enumerable.Range(0, Count).Select(i => make(loop, i, (_, _) => calls++))];

        Measure.Run(loop, inCallback, () =>
        {
            double start = Measure.Busy;

            for (int pass = 0; pass < passes; pass++)
            {
                foreach (Io io in ios)
                {
                    io.Start();
                }

                active += ios[pass % Count].IsActive ? 1 : 0;

                foreach (Io io in ios)
                {
                    io.Stop();
                }

                active -= ios[pass % Count].IsActive ? 1 : 0;
            }

            time = Measure.Busy - start;
        });
        Measure.Expect(active, passes, "active watchers");
        Measure.Expect(calls, 0, "calls");
        return time / passes / Count;
    }

    private static double Iterate(MakeIo make, int operations)
    {
        using var loop = new Loop();
        int calls = 0, active = 0;
        Io[] ios = [.. Enumerable.Range(0, Count).Select(i => make(loop, i, (_, _) => calls++))];
        double start = Measure.Busy;

        for (int i = 0, k = 0; i < operations; i++)
        {
            Io io = ios[k];
            io.Start();
            loop.Start(RunFlags.NoWait);
            active += io.IsActive ? 1 : 0;
            io.Stop();
            loop.Start(RunFlags.NoWait);

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

    private static double Change(MakeIo make, int operations)
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
            // Each watcher is changed twice in a row, so that it is writable for one iteration.
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
    private static partial double bench_ev_churn(int[] fds, int count, int passes);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_churn_iterations(int[] fds, int count, int operations);

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_churn_events(int[] fds, int count, int operations);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_churn(int[] fds, int count, int passes);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_churn_iterations(int[] fds, int count, int operations);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_churn_events(int[] fds, int count, int operations);
}
