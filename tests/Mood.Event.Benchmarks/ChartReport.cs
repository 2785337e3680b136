using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Security;
using System.Text;

namespace Mood.Event.Benchmarks;

/// <summary>
/// docs/benchmarks.svg. Each contender of each comparison has a bar from C libev's cost to its own cost, on a scale of powers of
/// two. Bars to the right are slower, also for rates. A line across the bar is the target.
/// </summary>
internal sealed class ChartReport
{
    private const int Width = 900, Labels = 270, Right = 60, Top = 78, Line = 15, Heading = 19, Gap = 8;

    // The colours are readable on white and on black, and colour-blind readers can tell blue from orange. CSS variables are not
    // used, because some programs that show SVG files do not support them.
    private const string Style = """
        <style>
          text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
          .title { font-size: 16px; font-weight: 600 } .name { font-weight: 600 } .faint { fill: #59636e }
          .paper { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #1f2328; stroke-width: 1.5 }
          .met { fill: #2a6fdb } .missed { fill: #d9730d } .plain { fill: #8fb0e0 } .other { fill: #9aa4ae }
          .target { stroke: #1a7f37; stroke-width: 2.5 } .spread { stroke: #1f2328; stroke-opacity: .6 }
          @media (prefers-color-scheme: dark) {
            text { fill: #f0f6fc } .faint { fill: #9198a1 }
            .paper { fill: #0d1117 } .grid { stroke: #2f353d } .one { stroke: #f0f6fc }
            .met { fill: #4c8dff } .missed { fill: #f0883e } .plain { fill: #5a76a3 } .other { fill: #6e7681 }
            .target { stroke: #3fb950 } .spread { stroke: #f0f6fc }
          }
        </style>
        """;

    private readonly StringBuilder _text = new();
    private readonly double _low, _high;
    private readonly Result[] _results;

    private ChartReport(IReadOnlyList<Result> results)
    {
        _results = [.. results.Where(r => r.Achievements.Any(a => a.Ratio is not null)).OrderBy(r => Areas.IndexOf(r.Area))];
        double[] costs = [.. _results.SelectMany(r => r.Achievements.Where(a => a.Ratio is not null).Select(a => Cost(r, a.Ratio!.Median)))];
        _low = Math.Floor(Math.Log2(costs.Append(0.5).Min()));
        _high = Math.Ceiling(Math.Log2(costs.Append(2).Max()));
    }

    internal static void Write(string file, IReadOnlyList<Result> results)
    {
        File.WriteAllText(Path.Combine(Native.RepositoryRoot, file), new ChartReport(results).Draw());
        Console.WriteLine($"written: {file}");
    }

    private static double Cost(Result result, double ratio) => result.HigherIsBetter ? 1 / ratio : ratio;

    private string Draw()
    {
        int height = Top + 10 + _results.Sum(r => Heading + Line * r.Achievements.Count(a => a.Ratio is not null) + Gap);
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" role=\"img\" aria-label=\"Cost relative to libev in C\">");
        _text.Append(Style).Append('\n');
        Add($"<rect class=\"paper\" width=\"{Width}\" height=\"{height}\"/>");
        Text(16, 26, "title", "Cost relative to libev in C");
        Legend();

        for (double power = _low; power <= _high; power++)
        {
            string label = power < 0 ? $"1/{Math.Pow(2, -power)}" : Math.Pow(2, power).ToString(CultureInfo.InvariantCulture);
            Text(X(Math.Pow(2, power)), Top - 10, "faint", label + "×", "middle");
        }

        double y = Top;

        foreach (Result result in _results)
        {
            Text(16, y + 13, "name", $"{result.Area}: {result.Name}");
            y += Heading;
            Achievement[] bars = [.. result.Achievements.Where(a => a.Ratio is not null)];
            Grid(y, y + Line * bars.Length);

            foreach (Achievement achievement in bars)
            {
                Bar(result, achievement, y);
                y += Line;
            }

            y += Gap;
        }

        _text.Append("</svg>\n");
        return _text.ToString();
    }

    // The lines of the grid are only beside bars, so that the headings stay readable.
    private void Grid(double from, double to)
    {
        for (double power = _low; power <= _high; power++)
        {
            double x = X(Math.Pow(2, power));
            Add($"<line class=\"{(power == 0 ? "one" : "grid")}\" x1=\"{x}\" x2=\"{x}\" y1=\"{from}\" y2=\"{to}\"/>");
        }
    }

    private void Bar(Result result, Achievement achievement, double y)
    {
        double[] targets = [.. result.Shortfalls(achievement).Select(s => s.By)];
        string kind = !achievement.IsOurs ? "other" : targets.Length == 0 ? "plain" : targets.All(t => t <= 1) ? "met" : "missed";
        Spread ratio = achievement.Ratio!;
        double one = X(1), end = X(Cost(result, ratio.Median)), middle = y + Line / 2.0;

        Text(Labels - 8, y + 11, "faint", achievement.Name, "end");
        Add($"<rect class=\"{kind}\" x=\"{Math.Min(one, end)}\" y=\"{y + 2}\" width=\"{Math.Max(1, Math.Abs(end - one))}\" height=\"{Line - 4}\"/>");
        double[] spread = [X(Cost(result, ratio.Min)), X(Cost(result, ratio.Max))];
        Add($"<line class=\"spread\" x1=\"{spread.Min()}\" x2=\"{spread.Max()}\" y1=\"{middle}\" y2=\"{middle}\"/>");

        if (achievement.IsOurs && result.Target is double target)
        {
            double x = X(Cost(result, target));
            Add($"<line class=\"target\" x1=\"{x}\" x2=\"{x}\" y1=\"{y}\" y2=\"{y + Line}\"/>");
        }

        string value = Report.Factor(Cost(result, ratio.Median)) + "×";
        Text(Math.Max(one, Math.Max(end, spread.Max())) + 5, y + 11, kind == "missed" ? "name" : "", value);
    }

    private void Legend()
    {
        (string Class, string Text)[] entries =
        [
            ("met", "Mood.Event, target met"), ("missed", "target missed"), ("plain", "no target"), ("other", "others"),
        ];
        double x = 16;

        foreach ((string kind, string text) in entries)
        {
            Add($"<rect class=\"{kind}\" x=\"{x}\" y=\"37\" width=\"11\" height=\"11\"/>");
            Text(x + 16, 47, "faint", text);
            x += 30 + 6.2 * text.Length;
        }

        Add($"<line class=\"target\" x1=\"{x + 2}\" x2=\"{x + 2}\" y1=\"35\" y2=\"50\"/>");
        Text(x + 9, 47, "faint", "target");
        Text(x + 62, 47, "faint", "to the right of 1× is slower than C; thin lines: min … max");
    }

    private double X(double cost) =>
        Labels + (Math.Clamp(Math.Log2(cost), _low, _high) - _low) / (_high - _low) * (Width - Labels - Right);

    private void Text(double x, double y, string kind, string text, string anchor = "start") =>
        Add($"<text class=\"{kind}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>");

    // Coordinates have one decimal, because a tenth of a pixel is precise enough.
    private void Add(FormattableString element) => _text.AppendFormat(
        CultureInfo.InvariantCulture, element.Format, [.. element.GetArguments().Select(a => a is double d ? Math.Round(d, 1) : a)]).Append('\n');
}
