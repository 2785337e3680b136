using System;
using System.Globalization;
using System.Linq;
using System.Security;
using System.Text;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>
/// docs/benchmarks-kestrel.svg. Each load has a bar for each contender except the default transport, which is the line at 1. A
/// short line across a bar is its target.
/// </summary>
internal static class KestrelChart
{
    private const int Width = 900, Labels = 285, Right = 60, Top = 78, Line = 15, Gap = 9;

    // The scale ends here, because the bars of pipelined requests would make the others too short.
    private const double Most = 2.5;

    private static readonly (string Contender, string Class, string Text)[] s_bars =
    [
        (Comparison.Tuned, "tuned", "sockets tuned inline"),
        (Comparison.Pool, "pool", "Mood.Event, pool"),
        (Comparison.Inline, "inline", "Mood.Event, inline"),
    ];

    private const string Style = """
        <style>
          text { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #1f2328 }
          .title { font-size: 16px; font-weight: 600 } .faint { fill: #59636e }
          .paper { fill: #ffffff } .grid { stroke: #d1d9e0 } .one { stroke: #1f2328; stroke-width: 1.5 }
          .tuned { fill: #9aa4ae } .pool { fill: #d9730d } .inline { fill: #2a6fdb } .target { stroke: #1a7f37; stroke-width: 2.5 }
          @media (prefers-color-scheme: dark) {
            text { fill: #f0f6fc } .faint { fill: #9198a1 }
            .paper { fill: #0d1117 } .grid { stroke: #2f353d } .one { stroke: #f0f6fc }
            .tuned { fill: #6e7681 } .pool { fill: #f0883e } .inline { fill: #4c8dff } .target { stroke: #3fb950 }
          }
        </style>
        """;

    internal static string Draw(Result[] results)
    {
        var svg = new StringBuilder();
        int block = (Line * s_bars.Length) + Gap, height = Top + (block * results.Length) + 6;
        Add($"<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {Width} {height}\" width=\"{Width}\" height=\"{height}\" role=\"img\" aria-label=\"Requests per second of processor time, relative to Kestrel over sockets\">");
        svg.Append(Style).Append('\n');
        Add($"<rect class=\"paper\" width=\"{Width}\" height=\"{height}\"/>");
        Text(16, 26, "title", "Requests per second of the server's processor time, relative to Kestrel over sockets");
        double legend = 16;

        foreach ((_, string kind, string text) in s_bars)
        {
            Add($"<rect class=\"{kind}\" x=\"{legend}\" y=\"37\" width=\"11\" height=\"11\"/>");
            Text(legend + 16, 47, "faint", text);
            legend += 34 + (6.2 * text.Length);
        }

        Add($"<line class=\"target\" x1=\"{legend + 2}\" x2=\"{legend + 2}\" y1=\"35\" y2=\"50\"/>");
        Text(legend + 9, 47, "faint", "target; longer bars are better");

        for (double grid = 0; grid <= Most; grid += 0.5)
        {
            Text(X(grid), Top - 10, "faint", grid.ToString("0.0", CultureInfo.InvariantCulture), "middle");
            Add($"<line class=\"{(grid == 1 ? "one" : "grid")}\" x1=\"{X(grid)}\" x2=\"{X(grid)}\" y1=\"{Top - 5}\" y2=\"{height - 6}\"/>");
        }

        double y = Top;

        foreach (Result result in results)
        {
            Load load = Load.All.Single(l => l.Name == result.Load);
            Text(Labels - 10, y + (Line * s_bars.Length / 2) + 4, "", result.Load, "end");

            foreach ((string contender, string kind, _) in s_bars)
            {
                double ratio = result.Ratio(contender, Comparison.Sockets, load.Figure).Median;
                Add($"<rect class=\"{kind}\" x=\"{X(0)}\" y=\"{y + 1}\" width=\"{X(ratio) - X(0)}\" height=\"{Line - 3}\"/>");
                Text(X(ratio) + 5, y + 11, "", ratio.ToString("0.00", CultureInfo.InvariantCulture));

                if (contender != Comparison.Tuned)
                {
                    double x = X(contender == Comparison.Pool ? load.Pool : load.Inline);
                    Add($"<line class=\"target\" x1=\"{x}\" x2=\"{x}\" y1=\"{y}\" y2=\"{y + Line - 1}\"/>");
                }

                y += Line;
            }

            y += Gap;
        }

        return svg.Append("</svg>\n").ToString();

        static double X(double ratio) => Labels + (Math.Min(ratio, Most) / Most * (Width - Labels - Right));

        void Text(double x, double y, string kind, string text, string anchor = "start") =>
            Add($"<text class=\"{kind}\" x=\"{x}\" y=\"{y}\" text-anchor=\"{anchor}\">{SecurityElement.Escape(text)}</text>");

        // Coordinates have one decimal, because a tenth of a pixel is precise enough.
        void Add(FormattableString element) => svg.AppendFormat(
            CultureInfo.InvariantCulture, element.Format, [.. element.GetArguments().Select(a => a is double d ? Math.Round(d, 1) : a)]).Append('\n');
    }
}
