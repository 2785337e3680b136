using System;
using System.Diagnostics;

namespace Mood.Event.Benchmarks;

/// <summary>What the rounds in C# share.</summary>
internal static class Measure
{
    /// <summary>Nanoseconds since a <see cref="Stopwatch.GetTimestamp"/>.</summary>
    internal static double Since(long timestamp) => Stopwatch.GetElapsedTime(timestamp).Ticks * 100.0;

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
}
