using System;
using System.Collections.Generic;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>The areas that can be measured, in the order of the report. A new area needs a line here and a file.</summary>
internal static class Areas
{
    private static readonly (string Name, string Title, Func<bool, IEnumerable<Comparison>> All)[] s_areas =
    [
        ("dispatch", "Calling callbacks", DispatchBenchmark.All),
        ("cold", "The first seconds on one processor", ColdBenchmark.All),
        ("idle", "Start(NoWait)", IdleBenchmark.All),
        ("timers", "Timers", TimerBenchmark.All),
        ("pairs", "libev's socketpair benchmark", PairsBenchmark.All),
        ("churn", "Starting, stopping and changing Io watchers", ChurnBenchmark.All),
        ("lifetime", "Making and disposing", LifetimeBenchmark.All),
        ("memory", "Managed bytes in the steady state", MemoryBenchmark.All),
        ("wake", "Waking a loop from another thread", WakeBenchmark.All),
        ("post", "Posting to a loop from other threads", PostBenchmark.All),
        ("signal", "Signals", SignalBenchmark.All),
        ("echo", "An echo server on one core", EchoBenchmark.All),
        ("connections", "Memory of idle connections", ConnectionsBenchmark.All),
        ("tls", "An echo server over TLS", TlsBenchmark.All),
    ];

    internal static IReadOnlyList<string> Names { get; } = [.. s_areas.Select(a => a.Name)];

    /// <summary>A line for each area, for --help.</summary>
    internal static string Help { get; } = string.Join("\n", s_areas.Select(a => $"  {a.Name,-12}{a.Title}"));

    internal static string Title(string name) =>
        name == MicroBenchmarks.Name ? "Single operations, with BenchmarkDotNet" : s_areas.First(a => a.Name == name).Title;

    /// <summary>The position of an area in the report.</summary>
    internal static int IndexOf(string name) =>
        name == MicroBenchmarks.Name ? s_areas.Length : Array.FindIndex(s_areas, a => a.Name == name);

    /// <param name="name">An area, or null for all.</param>
    /// <param name="quick">Small sizes.</param>
    internal static IEnumerable<Comparison> Comparisons(string? name, bool quick) =>
        s_areas.Where(a => name is null || a.Name == name).SelectMany(a => a.All(quick));
}
