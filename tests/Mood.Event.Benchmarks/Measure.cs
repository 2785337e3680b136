using System;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>What the rounds in C# share: the clocks, which are those of the C side, and checks.</summary>
internal static partial class Measure
{
    /// <summary>The monotonic clock in nanoseconds, for latencies and for work of several threads or processes.</summary>
    internal static double Now => bench_time();

    /// <summary>The processor time of this thread in nanoseconds, including system calls, for work on one thread.</summary>
    internal static double Busy => bench_thread_time();

    /// <summary>The processor time of all threads in nanoseconds.</summary>
    internal static double AllBusy => bench_process_time();

    /// <summary>The number of bytes that are allocated with malloc.</summary>
    internal static long Malloced => bench_malloced();

    /// <summary>Runs an action in a callback of the loop, or outside the loop.</summary>
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

    /// <summary>Fails the round unless the expected amount of work was done.</summary>
    internal static void Expect(long done, long wanted, string what)
    {
        if (done != wanted)
        {
            throw new BenchmarkException($"{what}: {done} instead of {wanted}");
        }
    }

    /// <summary>Fails the round unless the condition is true.</summary>
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
