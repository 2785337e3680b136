using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>The result of one contender.</summary>
/// <param name="Name">The name of the contender.</param>
/// <param name="Value">The number, in the comparison's unit.</param>
/// <param name="Ratio">The ratio to C libev in the same rounds, or null if C libev did not run.</param>
/// <param name="SocketsRatio">The ratio to async System.Net.Sockets in the same rounds, or null.</param>
internal sealed record Achievement(string Name, Spread Value, Spread? Ratio, Spread? SocketsRatio)
{
    /// <summary>Whether the targets of the comparison apply to this contender.</summary>
    public bool HasTarget { get; init; } = true;

    internal bool IsOurs => Contender.IsNameOfOurs(Name);
}

/// <summary>The result of a comparison, as plain data that is stored between runs.</summary>
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
    /// <summary>
    /// The targets of one of Mood.Event's contenders, and the factor by which each is missed. A factor of 1 or less means that
    /// the target is met.
    /// </summary>
    internal IEnumerable<(string Target, string Achieved, double By)> Shortfalls(Achievement achievement)
    {
        if (!achievement.IsOurs || !achievement.HasTarget)
        {
            yield break;
        }

        if (Target is double target && achievement.Ratio is Spread ratio)
        {
            yield return ($"{Bound(target)} C libev", Report.Factor(ratio.Median) + "×", Shortfall(ratio.Median, target));
        }

        if (SocketsTarget is double sockets && achievement.SocketsRatio is Spread toSockets)
        {
            yield return ($"{Bound(sockets)} {Contender.Sockets}", Report.Factor(toSockets.Median) + "×", Shortfall(toSockets.Median, sockets));
        }

        if (Limit is double limit)
        {
            string bound = string.Create(CultureInfo.InvariantCulture, $"{(HigherIsBetter ? "≥" : "≤")} {limit} {Unit}");
            yield return (bound, $"{Report.Number(achievement.Value.Median)} {Unit}", Shortfall(achievement.Value.Median, limit));
        }
    }

    /// <summary>The factor by which the best round has missed the limit, or 0 without a limit.</summary>
    internal double LimitShortfall => Limit is double limit
        ? Achievements.Where(a => a.IsOurs && a.HasTarget).Select(a => Shortfall(HigherIsBetter ? a.Value.Max : a.Value.Min, limit)).DefaultIfEmpty(0).Max()
        : 0;

    private string Bound(double target) => string.Create(CultureInfo.InvariantCulture, $"{(HigherIsBetter ? "≥" : "≤")} {target}×");

    // Only a value of 0 meets a limit of 0.
    private double Shortfall(double value, double target) =>
        HigherIsBetter ? target / value : value == target ? 1 : value / target;
}
