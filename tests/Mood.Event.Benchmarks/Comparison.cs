using System;
using System.Collections.Generic;

namespace Mood.Event.Benchmarks;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">What the report calls it: one of the constants here, or one of them and what is special.</param>
/// <param name="Round">Runs once, verifies what was done, and returns the number in the comparison's unit. Throws a
/// <see cref="BenchmarkException"/> when the work was not done, an <see cref="UnavailableException"/> when it cannot be
/// done on this machine.</param>
internal sealed record Contender(string Name, Func<double> Round)
{
    internal const string Libev = "C libev";
    internal const string Libuv = "C libuv";
    internal const string Ours = "Mood.Event";
    internal const string Sockets = "Sockets";

    /// <summary>A variant: operations made while the loop does not run. In callbacks, where programs make nearly all, the
    /// thread has the loop already.</summary>
    internal const string OursOutside = "Mood.Event, outside callbacks";

    /// <summary>A variant: each watcher with a delegate of its own, and not one for all, as the C side has one function.</summary>
    internal const string OursClosures = "Mood.Event, a delegate each";

    internal bool IsOurs => IsNameOfOurs(Name);

    /// <summary>Whether it is Mood.Event or a variant of it, which targets are for.</summary>
    internal static bool IsNameOfOurs(string name) => name.StartsWith(Ours, StringComparison.Ordinal);
}

/// <summary>The same work done by several.</summary>
/// <param name="Area">The name on the command line.</param>
/// <param name="Name">The work.</param>
/// <param name="Unit">Of the number.</param>
/// <param name="HigherIsBetter">True for a rate, false for a time or a size.</param>
/// <param name="Target">The worst ratio to C libev that Mood.Event may have: of a time at most, of a rate at least.</param>
/// <param name="Contenders">In the order in which they run.</param>
internal sealed record Comparison(
    string Area, string Name, string Unit, bool HigherIsBetter, double? Target, IReadOnlyList<Contender> Contenders)
{
    /// <summary>The worst ratio to async System.Net.Sockets, where there is a target for that too.</summary>
    public double? SocketsTarget { get; init; }

    /// <summary>The worst number, in the unit, where there is a target for that.</summary>
    public double? Limit { get; init; }

    /// <summary>By what factor the best round of --quick may be worse than the ratio in docs/benchmarks.md. Machines differ, and the
    /// small sizes of --quick fit into other caches: a factor of 2 is a fault.</summary>
    public double Patience { get; init; } = 2;

    /// <summary>By what factor --quick lets <see cref="Limit"/> be missed, which is a number of one machine.</summary>
    public double LimitPatience { get; init; } = 2;

    /// <summary>How many times the usual number of rounds: for short rounds, where a target lies within the noise of a
    /// few.</summary>
    public int RoundsFactor { get; init; } = 1;

    /// <summary>What else the same rounds told.</summary>
    public IReadOnlyList<Reading> Readings { get; init; } = [];
}

/// <summary>A further number of a comparison's rounds, reported as a comparison of its own.</summary>
/// <param name="Name">What it is.</param>
/// <param name="Unit">Of the number.</param>
/// <param name="HigherIsBetter">True for a rate, false for a time or a size.</param>
/// <param name="Target">As <see cref="Comparison"/>'s.</param>
/// <param name="Value">The number of the round that has just ended of the contender with that name.</param>
internal sealed record Reading(string Name, string Unit, bool HigherIsBetter, double? Target, Func<string, double> Value)
{
    /// <summary>As <see cref="Comparison.SocketsTarget"/>.</summary>
    public double? SocketsTarget { get; init; }
}
