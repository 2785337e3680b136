using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event.Benchmarks;

/// <summary>The tables of docs/benchmarks.md. The text around the tables is not changed.</summary>
internal static class MarkdownReport
{
    /// <summary>Replaces the text between the two marker lines of a file. Makes the file if it does not exist.</summary>
    internal static void Write(string file, string text)
    {
        const string Begin = "<!-- measured -->", End = "<!-- end of what was measured -->";
        string path = Path.Combine(Native.RepositoryRoot, file);
        string old = File.Exists(path) ? File.ReadAllText(path) : $"{Begin}\n{End}\n";
        int begin = old.IndexOf(Begin, StringComparison.Ordinal), end = old.IndexOf(End, StringComparison.Ordinal);

        if (begin < 0 || end < begin)
        {
            throw new BenchmarkException($"{file} has lost the lines '{Begin}' and '{End}'");
        }

        File.WriteAllText(path, $"{old[..begin]}{Begin}\n\n{text}\n{old[end..]}");
        Console.WriteLine($"written: {file}");
    }

    internal static string Results(IReadOnlyList<Result> results)
    {
        var text = new StringBuilder();
        text.Append(Machine()).Append("\n\n").Append(Missed(results));

        foreach (IGrouping<string, Result> area in results.GroupBy(r => r.Area).OrderBy(g => Areas.IndexOf(g.Key)))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {Areas.Title(area.Key)}\n");

            foreach (Result result in area)
            {
                text.Append('\n').Append(Table(result));
            }
        }

        return text.ToString();
    }

    /// <summary>
    /// The description of the machine. It has only the cores and the family of the processor, because the report is about ratios
    /// and not about times.
    /// </summary>
    internal static string Machine()
    {
        string[] lines = File.Exists("/proc/cpuinfo") ? File.ReadAllLines("/proc/cpuinfo") : [];
        return FormattableString.Invariant(
            $"Measured on {Environment.ProcessorCount} {Field("vendor_id")} cores of family {Field("cpu family")}, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}.");

        string Field(string name) => lines.FirstOrDefault(l => l.StartsWith(name, StringComparison.Ordinal))?.Split(':')[1].Trim() ?? "?";
    }

    private static string Missed(IReadOnlyList<Result> results)
    {
        string[] missed =
        [
            .. from result in results.OrderBy(r => Areas.IndexOf(r.Area))
               from achievement in result.Achievements
               from shortfall in result.Shortfalls(achievement)
               where shortfall.By > 1
               select $"| {result.Area} | {result.Name} | {achievement.Name} | {shortfall.Target} | {shortfall.Achieved} |\n",
        ];
        return missed.Length == 0
            ? "All targets are met.\n"
            : $"Targets that are not met:\n\n| area | | | target | achieved |\n| --- | --- | --- | --- | --: |\n{string.Concat(missed)}";
    }

    private static string Table(Result result)
    {
        bool ratios = result.Achievements.Any(a => a.Ratio is not null), sockets = result.Achievements.Any(a => a.SocketsRatio is not null);
        bool targets = result.Achievements.Any(a => result.Shortfalls(a).Any());
        var text = new StringBuilder();
        Row([
            $"{result.Name} ({result.Rounds} rounds)",
            result.Unit,
            "min … max",
            .. If(ratios, "× C libev", "min … max"),
            .. If(sockets, "× Sockets"),
            .. If(targets, "target"),
        ]);
        Row(["---", "--:", "--:", .. If(ratios, "--:", "--:"), .. If(sockets, "--:"), .. If(targets, "---")]);

        foreach (Achievement a in result.Achievements)
        {
            Row([
                a.Name,
                Report.Number(a.Value.Median),
                Report.Range(a.Value, Report.Number),
                .. If(ratios, a.Ratio is Spread r ? $"**{Report.Factor(r.Median)}**" : "", a.Ratio is Spread s ? Report.Range(s, Report.Factor) : ""),
                .. If(sockets, a.SocketsRatio is Spread t ? Report.Factor(t.Median) : ""),
                .. If(targets, Report.Targets(result, a)),
            ]);
        }

        foreach (string missing in result.Missing)
        {
            text.Append(CultureInfo.InvariantCulture, $"\nWithout {missing}.\n");
        }

        return text.ToString();

        void Row(string[] cells) => text.Append("| ").AppendJoin(" | ", cells).Append(" |\n");

        static string[] If(bool condition, params string[] cells) => condition ? cells : [];
    }
}
