using System.Collections.Generic;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>What one contender achieved.</summary>
/// <param name="Name">The contender.</param>
/// <param name="Value">In the comparison's unit.</param>
/// <param name="Ratio">To C libev in the same rounds; null where C libev did not run.</param>
/// <param name="SocketsRatio">To async System.Net.Sockets, likewise.</param>
internal sealed record Achievement(string Name, Spread Value, Spread? Ratio, Spread? SocketsRatio);

/// <summary>A comparison that was run: plain data, kept between runs.</summary>
internal sealed record Result(
    string Area,
    string Name,
    string Unit,
    bool HigherIsBetter,
    double? Target,
    double? SocketsTarget,
    double? Limit,
    int Rounds,
    IReadOnlyList<Achievement> Achievements,
    IReadOnlyList<string> Missing)
{
    /// <summary>What one of Mood.Event's contenders missed by; 1: met exactly, above: missed.</summary>
    internal IEnumerable<(string Target, double By)> Shortfalls(Achievement achievement)
    {
        if (!achievement.Name.StartsWith(Contender.Ours, System.StringComparison.Ordinal))
        {
            yield break;
        }

        if (Target is double target && achievement.Ratio is Spread ratio)
        {
            yield return ($"{Bound(target)} C libev", Shortfall(ratio.Median, target));
        }

        if (SocketsTarget is double sockets && achievement.SocketsRatio is Spread toSockets)
        {
            yield return ($"{Bound(sockets)} {Contender.Sockets}", Shortfall(toSockets.Median, sockets));
        }

        if (Limit is double limit)
        {
            yield return (string.Create(null, $"{(HigherIsBetter ? "≥" : "≤")} {limit} {Unit}"), Shortfall(achievement.Value.Median, limit));
        }
    }

    /// <summary>By how much the worst target was missed; 0 where there is none.</summary>
    internal double WorstShortfall => Achievements.SelectMany(Shortfalls).Select(s => s.By).DefaultIfEmpty(0).Max();

    private string Bound(double target) => string.Create(null, $"{(HigherIsBetter ? "≥" : "≤")} {target}×");

    // nothing at all is no more than any limit
    private double Shortfall(double value, double target) =>
        HigherIsBetter ? target / value : value <= target ? System.Math.Min(1, target == 0 ? 0 : value / target) : value / target;
}
