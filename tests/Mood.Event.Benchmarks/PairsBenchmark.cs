using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>
/// libev's socketpair benchmark. The pairs form a ring, and 100 bytes travel in it. Each readable socket reads its byte and
/// writes one to the next pair, until enough bytes were written. All contenders use the same fds.
/// </summary>
internal static partial class PairsBenchmark
{
    internal const int Active = 100;
    private const double Target = 1.03;

    internal static IEnumerable<Comparison> All(bool quick)
    {
        int events = quick ? 20_000 : 50_000;

        foreach (int pairs in quick ? [1000] : new[] { 100, 1000, 9000 })
        {
            int[] fds;
            string? refused = null;

            try
            {
                fds = RawSockets.SocketPairs(pairs);
            }
            catch (UnavailableException e)
            {
                (fds, refused) = ([], e.Message);
            }

            Station[] sockets = Station.Wrap(fds);

            foreach (bool timeouts in new[] { false, true })
            {
                string name = $"{pairs:#,0} pairs{(timeouts ? ", a timeout re-armed per event" : "")}";
                var contenders = new List<Contender>
                {
                    new(Contender.Libev, () => RunInC(fds, events, timeouts, Backends.Auto, [], out _)),
                    new(Contender.Ours, () => Run(fds, events, timeouts, Backends.Auto, [], out _)),
                    new($"{Contender.Ours}, Socket", () => Run(sockets, events, timeouts)),
                };

                if (Native.HasLibuv)
                {
                    contenders.Add(new(
                        Contender.Libuv,
                        () => Native.Check(bench_uv_pairs(fds, fds.Length / 2, Active, events, timeouts ? 1 : 0), name)));
                }

                if (!timeouts)
                {
                    contenders.Add(new(Contender.Sockets, () => AsyncRing.Run(pairs, events)));
                }

                yield return new Comparison(
                    "pairs", name, "ns per event", HigherIsBetter: false, Target, [.. contenders.Select(c => refused is null ? c : c with
                    {
                        Round = () => throw new UnavailableException(refused),
                    })])
                {
                    RoundsFactor = quick ? 1 : 3,
                };
            }

            Station.Close(sockets);
        }
    }

    /// <summary>Runs the benchmark on fds with read and write, as C does, so that only the loop differs.</summary>
    internal static double Run(int[] fds, int events, bool timeouts, Backends backend, int[] idle, out double bytes)
    {
        Station[] stations = [.. Enumerable.Range(0, fds.Length / 2).Select(i => new Station(fds[2 * i], fds[(2 * i + 3) % fds.Length]))];
        using Loop loop = MakeLoop(backend);
        var ring = new Ring(loop, events, stations);
        long managed = GC.GetAllocatedBytesForCurrentThread(), native = Measure.Malloced;

        foreach (int fd in idle)
        {
            loop.Io(fd, Events.Read, [Fatal] (_, _) => throw new BenchmarkException("not idle")).Start();
        }

        loop.Start(RunFlags.NoWait);
        bytes = idle.Length == 0
            ? 0 : (GC.GetAllocatedBytesForCurrentThread() - managed + Measure.Malloced - native) / (double)idle.Length;
        double time = ring.Run(timeouts, s => loop.Io(s.From, Events.Read, s.OnReadable));

        // libev replaces linuxaio by epoll if the kernel's limits are too low.
        return backend == Backends.Auto || loop.Backend == backend
            ? time : throw new UnavailableException($"{backend} fell back to {loop.Backend}");
    }

    internal static double RunInC(int[] fds, int events, bool timeouts, Backends backend, int[] idle, out double bytes) =>
        Native.Check(
            bench_ev_pairs(fds, fds.Length / 2, Active, events, timeouts ? 1 : 0, (uint)backend, idle, idle.Length, out bytes),
            $"socket pairs on {backend}");

    /// <summary>Runs the benchmark on Sockets, as a C# program would use them.</summary>
    private static double Run(Station[] stations, int events, bool timeouts)
    {
        using var loop = new Loop();
        return new Ring(loop, events, stations).Run(timeouts, s => loop.Io(s.FromSocket!, Events.Read, s.OnSocketReadable));
    }

    private static Loop MakeLoop(Backends backend)
    {
        try
        {
            return new Loop(backends: backend);
        }
        catch (EventException e)
        {
            throw new UnavailableException(e.Message);
        }
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_pairs(
        int[] fds, int pairs, int active, int events, int timeouts, uint backend, int[] idle, int idles, out double bytes);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_pairs(int[] fds, int pairs, int active, int events, int timeouts);
}
