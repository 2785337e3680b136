using System;
using System.Collections.Generic;
using System.Linq;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>The rounds of all contenders with one load.</summary>
internal sealed record Result(string Load, Dictionary<string, Round[]> Rounds)
{
    /// <summary>Null in results of an earlier version of this program.</summary>
    public Stamp? Stamp { get; init; }

    /// <summary>The seconds of each contender in a round.</summary>
    public int Seconds { get; init; }

    /// <summary>The median, the least and the greatest of the rounds' ratios.</summary>
    internal (double Median, double Min, double Max) Ratio(string contender, string against, Func<Round, double> figure)
    {
        double[] ratios = [.. Rounds[contender].Zip(Rounds[against], (a, b) => figure(a) / figure(b)).Order()];
        return (ratios[ratios.Length / 2], ratios[0], ratios[^1]);
    }

    internal double Median(string contender, Func<Round, double> figure)
    {
        double[] sorted = [.. Rounds[contender].Select(figure).Order()];
        return sorted[sorted.Length / 2];
    }
}
