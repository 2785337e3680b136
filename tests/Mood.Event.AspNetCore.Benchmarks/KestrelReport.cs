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
        text.Append(CultureInfo.InvariantCulture, $"{result.Load}\n");

        foreach (string contender in result.Rounds.Keys)
        {
            (double median, double min, double max) = result.Ratio(contender, Comparison.Sockets, r => r.PerProcessorSecond);
            text.Append(CultureInfo.InvariantCulture, $"  {contender,-16} {median:n2} ({min:n2} to {max:n2}), against tuned {result.Ratio(contender, Comparison.Tuned, r => r.PerProcessorSecond).Median:n2}, {Seen(result, contender)}\n");
        }

        return text.ToString();
    }

    internal static void Write(IReadOnlyList<Result> results)
    {
        Result[] all = [.. Load.All.Select(l => results.FirstOrDefault(r => r.Load == l.Name)).OfType<Result>()];
        string file = Path.Combine(RepositoryRoot, "docs", "benchmarks-kestrel.md"), old = File.ReadAllText(file);
        int begin = old.IndexOf(Begin, StringComparison.Ordinal), end = old.IndexOf(End, StringComparison.Ordinal);
        File.WriteAllText(file, $"{old[..begin]}{Begin}\n\n{Tables(all)}\n{old[end..]}");
        File.WriteAllText(Path.Combine(RepositoryRoot, "docs", "benchmarks-kestrel.svg"), KestrelChart.Draw(all));
        Console.WriteLine("written: docs/benchmarks-kestrel.md, docs/benchmarks-kestrel.svg");
    }

    private static string Tables(Result[] results)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"Measured on {Environment.ProcessorCount} cores, {RuntimeInformation.OSArchitecture}, {RuntimeInformation.FrameworkDescription}. Requests per second of the server's processor time, relative to Kestrel's default transport:\n\n");
        text.Append("| load | sockets tuned inline | Mood.Event, pool | Mood.Event, inline | inline against tuned |\n");
        text.Append("| --- | --- | --- | --- | --- |\n");

        foreach (Result result in results)
        {
            Load load = Load.All.Single(l => l.Name == result.Load);
            text.Append(CultureInfo.InvariantCulture, $"| {load.Name} | {Ratio(Comparison.Tuned, Comparison.Sockets)} | {Ratio(Comparison.Pool, Comparison.Sockets, load.Pool)} | {Ratio(Comparison.Inline, Comparison.Sockets, load.Inline)} | {Ratio(Comparison.Inline, Comparison.Tuned, load.InlineOverTuned)} |\n");

            string Ratio(string contender, string against, double? target = null)
            {
                (double median, double min, double max) = result.Ratio(contender, against, r => r.PerProcessorSecond);
                return FormattableString.Invariant($"**{median:n2}** ({min:n2} … {max:n2}){Target(median, target)}");
            }
        }

        text.Append("\nRequests per second, and the time that 99 % of the answers took at most:\n\n");
        text.Append("| load | sockets | sockets tuned inline | Mood.Event, pool | Mood.Event, inline |\n| --- | --: | --: | --: | --: |\n");

        foreach (Result result in results)
        {
            text.Append(CultureInfo.InvariantCulture, $"| {result.Load} | {string.Join(" | ", Comparison.Contenders.Select(c => Seen(result, c)))} |\n");
        }

        return text.ToString();
    }

    private static string Target(double ratio, double? target) => target is null ? "" : FormattableString.Invariant(
        $", target {target:0.0#}{(ratio >= target ? "" : ": MISSED")}");

    // wrk does not report the times of pipelined answers.
    private static string Seen(Result result, string contender) => FormattableString.Invariant(
        $"{result.Median(contender, r => r.Rate):n0}/s{(result.Median(contender, r => r.Percentile99) is > 0 and double p99 ? FormattableString.Invariant($", {p99:n1} ms") : "")}");

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
