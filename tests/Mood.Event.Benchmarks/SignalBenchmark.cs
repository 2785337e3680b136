using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The time from kill on one thread to the callback on the thread of a loop. The process sends one signal at a time, and sleeps
/// in between. A native handler feeds the loop, and then calls the runtime's handler, because the runtime remains the owner of
/// the signals. C has no such second handler (docs/design/signals.md).
/// </summary>
internal static partial class SignalBenchmark
{
    // Each contender has its own signal, so that it does not depend on what another one has done with the signal.
    private static readonly int s_libev = Signum.SIGUSR1, s_ours = Signum.SIGUSR2, s_libuv = Signum.SIGWINCH;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    internal static IEnumerable<Comparison> All(bool quick)
    {
        double[] latencies = new double[quick ? 50 : 300];
        string name = "from kill to the callback";
        var contenders = new List<Contender>
        {
            new(Contender.Libev, () => Median(Native.Check(bench_ev_signal(s_libev, latencies.Length, latencies), name))),
            new(Contender.Ours, () => Median(Round(latencies))),
        };

        if (Native.HasLibuv)
        {
            contenders.Add(new(
                Contender.Libuv, () => Median(Native.Check(bench_uv_signal(s_libuv, latencies.Length, latencies), name))));
        }

        yield return new Comparison("signal", name, "µs, median", HigherIsBetter: false, Target: null, contenders)
        {
            // The sorted times of the round that has just ended.
            Readings = [new("99th percentile", "µs", HigherIsBetter: false, null, _ => latencies[latencies.Length * 99 / 100] / 1e3)],
        };

        double Median(double _)
        {
            Array.Sort(latencies);
            return latencies[latencies.Length / 2] / 1e3;
        }
    }

    private static double Round(double[] latencies)
    {
        using var loop = new Loop();
        using var seen = new ManualResetEventSlim();
        double now = 0;

        using Signal signal = loop.Signal(s_ours, (_, _) =>
        {
            now = Measure.Now;
            seen.Set();
        });
        signal.Start();
        var thread = new Thread(() => loop.Start()) { IsBackground = true };
        thread.Start();

        for (int i = 0; i < latencies.Length; i++)
        {
            seen.Reset();
            double start = Measure.Now;
            Posix.Raise(s_ours);
            Thread.Sleep(1);
            Measure.Expect(seen.Wait(s_patience), "a signal was lost");
            latencies[i] = now - start;
        }

        loop.Stop();
        thread.Join();
        return 0;
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_ev_signal(int signum, int count, double[] latencies);

    [LibraryImport(Native.Libuv)]
    private static partial double bench_uv_signal(int signum, int count, double[] latencies);
}
