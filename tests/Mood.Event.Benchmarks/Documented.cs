using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace Mood.Event.Benchmarks;

/// <summary>The ratios to C libev in docs/benchmarks.md, which --quick compares its results with.</summary>
internal static partial class Documented
{
    private const string RatioColumn = "× C libev";

    private static readonly Lazy<List<(string Name, string Contender, double Ratio)>> s_rows = new(Read);

    /// <summary>
    /// Compares the ratio of the best round with the documented ratio or the target, whichever is weaker. Returns the factor by which
    /// the best round is worse, or 0 if neither is known. The best round is sufficient, because a regression shows in every round, and a busy
    /// machine rarely slows down all rounds.
    /// </summary>
    internal static double Decline(Result result)
    {
        return result.Achievements.Where(a => a.IsOurs && a.Ratio is not null).Select(Decline).DefaultIfEmpty(0).Max();

        double Decline(Achievement a)
        {
            double?[] bounds = [Ratio(result, a.Name), result.Target];
            double[] known = [.. bounds.OfType<double>()];
            return known.Length == 0 ? 0
                : result.HigherIsBetter ? known.Min() / a.Ratio!.Max
                : a.Ratio!.Min / known.Max();
        }
    }

    // The sizes of --quick are smaller, and may be in the name. If no row has the same name, rows whose names differ only in
    // numbers are used.
    private static double? Ratio(Result result, string contender)
    {
        double[] same = [.. s_rows.Value.Where(r => r.Name == result.Name && r.Contender == contender).Select(r => r.Ratio)];

        if (same.Length == 0)
        {
            same = [.. s_rows.Value.Where(r => Sizeless(r.Name) == Sizeless(result.Name) && r.Contender == contender).Select(r => r.Ratio)];
        }

        return same.Length == 0 ? null : result.HigherIsBetter ? same.Min() : same.Max();
    }

    private static List<(string Name, string Contender, double Ratio)> Read()
    {
        var rows = new List<(string, string, double)>();
        string name = "";
        int column = -1;

        foreach (string line in File.ReadLines(Path.Combine(Native.RepositoryRoot, "docs", "benchmarks.md")))
        {
            string[] cells = [.. line.Split('|').Select(c => c.Trim())];

            if (cells.Length < 3)
            {
                column = -1;
            }
            else if (RoundsPattern().Match(cells[1]) is { Success: true } header)
            {
                name = header.Groups[1].Value;
                column = Array.IndexOf(cells, RatioColumn);
            }
            else if (column > 0 && column < cells.Length
                && double.TryParse(cells[column].Trim('*'), NumberStyles.Float, CultureInfo.InvariantCulture, out double ratio))
            {
                rows.Add((name, cells[1], ratio));
            }
        }

        return rows;
    }

    private static string Sizeless(string name) => NumberPattern().Replace(name, "#");

    [GeneratedRegex(@"^(.*) \(\d+ rounds\)$")]
    private static partial Regex RoundsPattern();

    [GeneratedRegex(@"\d[\d,.]*")]
    private static partial Regex NumberPattern();
}
