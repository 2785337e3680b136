using System;
using System.Collections.Generic;

namespace Mood.Event.Benchmarks;

/// <summary>One side of a comparison.</summary>
/// <param name="Name">Its name in the report: one of the constants below, with an addition for a variant.</param>
/// <param name="Round">Runs one round, checks its work, and returns the number in the comparison's unit. Throws a
/// <see cref="BenchmarkException"/> if the work was not done, and an <see cref="UnavailableException"/> if this machine cannot
/// do it.</param>
internal sealed record Contender(string Name, Func<double> Round)
{
    /// <summary>Whether the targets of the comparison apply to this contender, if it is Mood.Event.</summary>
    public bool HasTarget { get; init; } = true;

    internal const string Libev = "C libev";
    internal const string Libuv = "C libuv";
    internal const string Ours = "Mood.Event";
    internal const string Sockets = "Sockets";

    /// <summary>
    /// A variant whose operations run while the loop does not run. Programs do nearly all operations in callbacks, where the
    /// thread already owns the loop.
    /// </summary>
    internal const string OursOutside = "Mood.Event, outside callbacks";

    /// <summary>
    /// A variant in which each watcher has its own delegate. In the other variants all watchers share one delegate, as they share
    /// one function in C.
    /// </summary>
    internal const string OursClosures = "Mood.Event, a delegate each";

    internal bool IsOurs => IsNameOfOurs(Name);

    /// <summary>Whether the name is that of Mood.Event or of a variant of it. Only these have targets.</summary>
    internal static bool IsNameOfOurs(string name) => name.StartsWith(Ours, StringComparison.Ordinal);
}

/// <summary>The same work, done by several contenders.</summary>
/// <param name="Area">The name on the command line.</param>
/// <param name="Name">The description of the work.</param>
/// <param name="Unit">The unit of the number.</param>
/// <param name="HigherIsBetter">True for a rate, false for a time or a size.</param>
/// <param name="Target">The worst ratio to C libev that Mood.Event may have: a maximum for a time, a minimum for a rate.</param>
/// <param name="Contenders">The contenders, in the order in which they run.</param>
internal sealed record Comparison(
    string Area, string Name, string Unit, bool HigherIsBetter, double? Target, IReadOnlyList<Contender> Contenders)
{
    /// <summary>The worst ratio to async System.Net.Sockets that Mood.Event may have, or null.</summary>
    public double? SocketsTarget { get; init; }

    /// <summary>The worst number that Mood.Event may have, in the unit, or null.</summary>
    public double? Limit { get; init; }

    /// <summary>The factor by which the best round of --quick may be worse than the ratio in docs/benchmarks.md. It is not 1,
    /// because machines differ, and because the small sizes of --quick fit into faster caches.</summary>
    public double Patience { get; init; } = 2;

    /// <summary>The factor by which --quick may miss <see cref="Limit"/>, which was measured on one machine.</summary>
    public double LimitPatience { get; init; } = 2;

    /// <summary>
    /// The factor for the number of rounds. It is above 1 if the rounds are short and their noise would hide whether a target is
    /// met.
    /// </summary>
    public int RoundsFactor { get; init; } = 1;

    /// <summary>The number of rounds if it differs from the usual one, or null.</summary>
    public int? Rounds { get; init; }

    /// <summary>The number of rounds before the first measured one. The runtime optimizes the code during these rounds.</summary>
    public int WarmUps { get; init; } = 3;

    /// <summary>Further numbers that the same rounds give.</summary>
    public IReadOnlyList<Reading> Readings { get; init; } = [];
}

/// <summary>A further number of a comparison's rounds, which the report shows as a separate comparison.</summary>
/// <param name="Name">The description of the number.</param>
/// <param name="Unit">The unit of the number.</param>
/// <param name="HigherIsBetter">True for a rate, false for a time or a size.</param>
/// <param name="Target">The target, as in <see cref="Comparison"/>.</param>
/// <param name="Value">Returns the number of a contender, whose name is the argument, for the round that has just ended.</param>
internal sealed record Reading(string Name, string Unit, bool HigherIsBetter, double? Target, Func<string, double> Value)
{
    /// <summary>The target against sockets, as in <see cref="Comparison.SocketsTarget"/>.</summary>
    public double? SocketsTarget { get; init; }
}
