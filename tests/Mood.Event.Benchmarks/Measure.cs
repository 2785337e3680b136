using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>What the rounds in C# share: the clocks of the C side, and checks.</summary>
internal static partial class Measure
{
    /// <summary>Nanoseconds of the monotonic clock: for latencies, and for what several threads or processes do
    /// together.</summary>
    internal static double Now => bench_time();

    /// <summary>Nanoseconds of processor time of this thread, system calls included: for all that happens on one
    /// thread.</summary>
    internal static double Busy => bench_thread_time();

    /// <summary>Nanoseconds of processor time of all threads.</summary>
    internal static double AllBusy => bench_process_time();

    /// <summary>Bytes that malloc has given out.</summary>
    internal static long Malloced => bench_malloced();

    /// <summary>Runs something in a callback of the loop, or without it.</summary>
    internal static void Run(Loop loop, bool inCallback, Action action)
    {
        if (!inCallback)
        {
            action();
            return;
        }

        bool called = false;
        using Idle idle = loop.Idle([Fatal] (self, _) =>
        {
            self.Stop();
            called = true;
            action();
        });
        idle.Start();
        loop.Start(RunFlags.NoWait);
        Expect(called, "the callback was not called");
    }

    /// <summary>Fails the round unless so much was done as had to be.</summary>
    internal static void Expect(long done, long wanted, string what)
    {
        if (done != wanted)
        {
            throw new BenchmarkException($"{what}: {done} instead of {wanted}");
        }
    }

    /// <summary>Fails the round unless something holds.</summary>
    internal static void Expect(bool holds, string what)
    {
        if (!holds)
        {
            throw new BenchmarkException(what);
        }
    }

    [LibraryImport(Native.Libev)]
    private static partial double bench_time();

    [LibraryImport(Native.Libev)]
    private static partial double bench_thread_time();

    [LibraryImport(Native.Libev)]
    private static partial double bench_process_time();

    [LibraryImport(Native.Libev)]
    private static partial long bench_malloced();
}
