using System.Collections.Generic;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>A summary of the numbers of several rounds.</summary>
internal sealed record Spread(double Median, double Min, double Max)
{
    internal static Spread Of(IReadOnlyList<double> values)
    {
        double[] sorted = [.. values.Order()];
        int middle = sorted.Length / 2;
        double median = sorted.Length % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
        return new Spread(median, sorted[0], sorted[^1]);
    }

    /// <summary>
    /// Divides each value by the baseline of the same round. Other load on the machine slows down both about equally, so the
    /// ratios vary less than the values.
    /// </summary>
    internal static Spread OfRatios(IReadOnlyList<double> values, IReadOnlyList<double> baseline) =>
        Of([.. values.Zip(baseline, (value, with) => value / with)]);
}
