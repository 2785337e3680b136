using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>The tables and the chart of docs/benchmarks-kestrel.md. The text around the tables is not changed.</summary>
internal static class KestrelReport
{
    private const string Begin = "<!-- measured -->", End = "<!-- end of what was measured -->";

    internal static string RepositoryRoot { get; } = FindRoot();

    /// <summary>The result of one load, for the console.</summary>
    internal static string Text(Result result)
    {
        var text = new StringBuilder();
        Func<Round, double> figure = LoadOf(result).Figure;
        text.Append(CultureInfo.InvariantCulture, $"{result.Load}\n");

        foreach (string contender in result.Rounds.Keys)
        {
            (double median, double min, double max) = result.Ratio(contender, Comparison.Sockets, figure);
            text.Append(CultureInfo.InvariantCulture, $"  {contender,-16} {median:n2} ({min:n2} to {max:n2}), against tuned {result.Ratio(contender, Comparison.Tuned, figure).Median:n2}, {Seen(result, contender)}");
            text.Append(CultureInfo.InvariantCulture, $", p99 {Percentile(result, contender)}\n");
        }

        return text.ToString();
    }

    /// <summary>The system calls under one load, for the console.</summary>
    internal static string Text(CallCounts counts) => string.Concat(SystemCalls.Contenders.Select(c =>
        $"  {c,-8} {string.Join(", ", CallCounts.Columns.Select(k => FormattableString.Invariant($"{k} {counts.Of(c, k):0.00}")))}, "
        + FormattableString.Invariant($"together {counts.Together(c):0.00}\n")));

    /// <param name="measured">The last results of all loads.</param>
    internal static void Write(Measured measured)
    {
        Result[] all = [.. Load.All.Select(l => measured.Results.FirstOrDefault(r => r.Load == l.Name)).OfType<Result>()];
        CallCounts[] calls = [.. Load.All.Select(l => measured.Calls.FirstOrDefault(c => c.Load == l.Name)).OfType<CallCounts>()];
        string file = Path.Combine(RepositoryRoot, "docs", "benchmarks-kestrel.md"), old = File.ReadAllText(file);
        int begin = old.IndexOf(Begin, StringComparison.Ordinal), end = old.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(file, $"{old[..begin]}{Begin}\n\n{Ratios(all)}\n{Rates(all)}\n{Percentiles(all)}\n{Calls(calls)}\n{old[end..]}");
        File.WriteAllText(Path.Combine(RepositoryRoot, "docs", "benchmarks-kestrel.svg"), KestrelChart.Draw(all));
        Console.WriteLine("written: docs/benchmarks-kestrel.md, docs/benchmarks-kestrel.svg");
    }

    private static string Ratios(Result[] results)
    {
        var text = new StringBuilder();
        Result newest = results.MaxBy(r => r.Stamp?.Time, StringComparer.Ordinal)!;
        text.Append(CultureInfo.InvariantCulture, $"Measured on {Environment.ProcessorCount} cores, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}, ");
        text.Append(CultureInfo.InvariantCulture, $"{newest.Rounds[Comparison.Sockets].Length} rounds of {newest.Seconds} s, {newest.Stamp?.ToString() ?? "at an unknown time"}. ");
        text.Append(AgeNote(results.Select(r => r.Stamp), newest.Stamp, "loads"));
        text.Append("Requests per second of the server's processor time, relative to Kestrel's default transport. With 1 connection: requests per second.\n\n");
        text.Append("| load | sockets tuned inline | Mood.Event, pool | Mood.Event, inline | inline against tuned |\n");
        text.Append("| --- | --- | --- | --- | --- |\n");

        foreach (Result result in results)
        {
            Load load = LoadOf(result);
            text.Append(CultureInfo.InvariantCulture, $"| {load.Name}{Age(result.Stamp, newest.Stamp)} | {Ratio(Comparison.Tuned, Comparison.Sockets)} | {Ratio(Comparison.Pool, Comparison.Sockets, load.Pool)} | {Ratio(Comparison.Inline, Comparison.Sockets, load.Inline)} | {Ratio(Comparison.Inline, Comparison.Tuned, load.InlineOverTuned)} |\n");

            string Ratio(string contender, string against, double? target = null)
            {
                (double median, double min, double max) = result.Ratio(contender, against, load.Figure);
                return FormattableString.Invariant($"**{median:n2}** ({min:n2} … {max:n2}){Target(median, target)}");
            }
        }

        return text.ToString();
    }

    private static string Rates(Result[] results)
    {
        var text = new StringBuilder();
        text.Append("Requests per second, and p99, the time within which 99 % of the answers came:\n\n");
        text.Append("| load | sockets | sockets tuned inline | Mood.Event, pool | Mood.Event, inline |\n| --- | --: | --: | --: | --: |\n");

        foreach (Result result in results)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {result.Load} | {string.Join(" | ", Comparison.Contenders.Select(c => Seen(result, c)))} |\n");
        }

        return text.ToString();
    }

    // p99 must not be worse. The noise of a round is far above a tenth, so a median that is worse by less than a tenth does not count.
    private static string Percentiles(Result[] results)
    {
        const double Worse = 1.1;
        var text = new StringBuilder();
        text.Append("The p99 of each, divided by the p99 of Kestrel's default transport. Less is better:\n\n");
        text.Append("| load | sockets tuned inline | Mood.Event, pool | Mood.Event, inline |\n| --- | --- | --- | --- |\n");

        foreach (Result result in results)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {result.Load} | {string.Join(" | ", Comparison.Contenders[1..].Select(c => Percentile(result, c)))} |\n");
        }

        text.Append("\nwrk does not tell the time of pipelined answers.\n");

        foreach (string contender in new[] { Comparison.Pool, Comparison.Inline })
        {
            string[] worse = [.. results.Where(r => MedianPercentile(r, contender) > Worse).Select(r => r.Load)];
            text.Append(CultureInfo.InvariantCulture, $"\nWith Mood.Event {contender}, p99 is worse than that of sockets by more than a tenth {(worse.Length == 0 ? "under none of the other loads" : $"under: {string.Join("; ", worse)}")}.\n");
        }

        return text.ToString();
    }

    private static string Calls(CallCounts[] all)
    {
        if (all.Length == 0)
        {
            return "";
        }

        var text = new StringBuilder();
        Stamp? newest = all.MaxBy(c => c.Stamp?.Time, StringComparer.Ordinal)!.Stamp;
        text.Append(CultureInfo.InvariantCulture, $"System calls per request, counted with strace on one core, which slows the server down, {newest}. ");
        text.Append(AgeNote(all.Select(c => c.Stamp), newest, "rows"));
        text.Append(CultureInfo.InvariantCulture, $"\n\n| | {string.Join(" | ", CallCounts.Columns.Select(c => $"`{c}`"))} | together |\n");
        text.Append(CultureInfo.InvariantCulture, $"| --- |{string.Concat(Enumerable.Repeat(" --: |", CallCounts.Columns.Length + 1))}\n");

        foreach (CallCounts counts in all)
        {
            foreach (string contender in SystemCalls.Contenders)
            {
                string cells = string.Join(" | ", CallCounts.Columns.Select(c => FormattableString.Invariant($"{counts.Of(contender, c):0.00}")));
                text.Append(CultureInfo.InvariantCulture, $"| {counts.Load}, {contender}{Age(counts.Stamp, newest)} | {cells} | {counts.Together(contender):0.00} |\n");
            }
        }

        return text.ToString();
    }

    // Old and new results in one table must be told apart.
    private static string AgeNote(IEnumerable<Stamp?> stamps, Stamp? newest, string what) =>
        stamps.All(s => s == newest) ? "" : $"Some {what} were measured at another time: it is beside their names. ";

    private static string Age(Stamp? stamp, Stamp? newest) => stamp == newest ? "" : $" ({stamp?.ToString() ?? "at an unknown time"})";

    private static Load LoadOf(Result result) => Load.All.Single(l => l.Name == result.Load);

    private static string Target(double ratio, double? target) => target is null ? "" : FormattableString.Invariant(
        $", target {target:0.0#}{(ratio >= target ? "" : ": MISSED")}");

    // wrk does not report the times of pipelined answers.
    private static string Seen(Result result, string contender) => FormattableString.Invariant(
        $"{result.Median(contender, r => r.Rate):n0}/s{(result.Median(contender, r => r.Percentile99) is > 0 and double p99 ? FormattableString.Invariant($", {p99:n1} ms") : "")}");

    private static double MedianPercentile(Result result, string contender) =>
        result.Rounds[contender].Concat(result.Rounds[Comparison.Sockets]).Any(r => r.Percentile99 <= 0) ? double.NaN
        : result.Ratio(contender, Comparison.Sockets, r => r.Percentile99).Median;

    private static string Percentile(Result result, string contender)
    {
        if (double.IsNaN(MedianPercentile(result, contender)))
        {
            return "unknown";
        }

        (double median, double min, double max) = result.Ratio(contender, Comparison.Sockets, r => r.Percentile99);
        return FormattableString.Invariant($"{median:n2} ({min:n2} … {max:n2})");
    }

    private static string FindRoot()
    {
        string directory = AppContext.BaseDirectory;

        while (!File.Exists(Path.Combine(directory, "Mood.Event.sln")))
        {
            directory = Path.GetDirectoryName(directory) ?? throw new InvalidOperationException("bench kestrel must run within the repository.");
        }

        return directory;
    }
}
