using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Text;
using Spectre.Console;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The cost of an event and the memory of a watcher while the number of idle watchers grows and 100 watchers have events. The
/// number of timers goes up to a million, and the number of Io watchers on each backend up to the limit of open files.
/// </summary>
internal static class ScaleBenchmark
{
    internal const string Name = "scale";
    private const int Due = 100;

    // With fewer watchers, the result would mostly be the first allocations of the loop itself.
    private const int FewestToWeigh = 1000;

    private static readonly Backends[] s_backends =
        [Backends.Epoll, Backends.Poll, Backends.Select, Backends.IoUring, Backends.LinuxAio];

    private sealed record Row(int Watchers, Result Result, double BytesInC, double Bytes);

    internal static void Run(bool quick, int rounds, bool write)
    {
        StringBuilder text = new StringBuilder(MarkdownReport.Machine()).Append('\n');
        int[] timers = quick ? [1, 10_000] : [1, 10, 100, 1000, 10_000, 100_000, 1_000_000];
        Print("timers", "Timers", "idle timers", timers.Select(n => Timers(n, quick ? 100_000 : 1_000_000, rounds)), text);

        int room = Posix.RaiseFdLimit() - Posix.OpenFds() - 2 * PairsBenchmark.Active - 64;
        int[] all = quick ? [1, 1000] : [1, 10, 100, 1000, 10_000, 100_000, room];
        int[] ios = [.. all.Where(n => n <= room).Distinct()];

        foreach (Backends backend in s_backends.Where(b => (Ev.SupportedBackends & b) != 0))
        {
            Print(backend.ToString(), $"Io on {backend}", "idle Io", ios.Select(n => Ios(backend, n, quick ? 10_000 : 50_000, rounds)), text);
        }

        if (write)
        {
            MarkdownReport.Write("docs/benchmarks-scale.md", text.ToString());
        }
    }

    private delegate double Weighed(out double bytes);

    private static Row Timers(int watchers, int callbacks, int rounds)
    {
        double[] times = TimerBenchmark.Times(watchers, 100, 1000);
        return Compare(
            watchers,
            rounds,
            (out double bytes) => TimerBenchmark.RepeatInC(times, Due, callbacks, out bytes),
            (out double bytes) => TimerBenchmark.Repeat(times, Due, callbacks, out bytes));
    }

    private static Row Ios(Backends backend, int watchers, int events, int rounds)
    {
        int[] fds = RawSockets.SocketPairs(PairsBenchmark.Active), idle = RawSockets.SilentFds(watchers);

        try
        {
            return Compare(
                watchers,
                rounds,
                (out double bytes) => PairsBenchmark.RunInC(fds, events, timeouts: false, backend, idle, out bytes),
                (out double bytes) => PairsBenchmark.Run(fds, events, timeouts: false, backend, idle, out bytes));
        }
        finally
        {
            Posix.Close(fds);
            Posix.Close(idle);
        }
    }

    private static Row Compare(int watchers, int rounds, Weighed inC, Weighed ours)
    {
        double bytesInC = double.MaxValue, bytes = double.MaxValue;
        var comparison = new Comparison(Name, "", "ns per event", HigherIsBetter: false, null, [
            new(Contender.Libev, () => Try(inC, ref bytesInC)),
            new(Contender.Ours, () => Try(ours, ref bytes)),
        ]);
        return new Row(watchers, Runner.Run(comparison, rounds)[0], bytesInC, bytes);
    }

    private static double Try(Weighed round, ref double least)
    {
        try
        {
            double time = round(out double bytes);

            // The least value counts, because the runtime's compiler sometimes allocates memory too.
            least = Math.Min(least, bytes);
            return time;
        }
        catch (BenchmarkException e)
        {
            // A backend that fails gets a dash in the table. The other backends still run.
            throw new UnavailableException(e.Message);
        }
    }

    private static void Print(string key, string title, string unit, IEnumerable<Row> rows, StringBuilder markdown)
    {
        string[] columns =
            [unit, "ns per event: C libev", "Mood.Event", "× C libev", "min … max", "bytes per watcher: C libev", "Mood.Event"];
        Table table = new Table().Title(Markup.Escape($"{Name}: {key}")).Border(TableBorder.Rounded).AddColumns(columns);
        markdown.Append(CultureInfo.InvariantCulture, $"\n## {title}\n\n");
        markdown.Append("| ").AppendJoin(" | ", columns).Append(" |\n").Append(string.Concat(Enumerable.Repeat("|--:", columns.Length))).Append("|\n");
        var missing = new SortedSet<string>(StringComparer.Ordinal);

        foreach (Row row in rows)
        {
            Achievement? inC = Find(row, Contender.Libev), ours = Find(row, Contender.Ours);
            string[] cells =
            [
                row.Watchers.ToString("#,0", CultureInfo.InvariantCulture),
                inC is null ? "–" : Report.Number(inC.Value.Median),
                ours is null ? "–" : Report.Number(ours.Value.Median),
                ours?.Ratio is Spread ratio ? Report.Factor(ratio.Median) : "",
                ours?.Ratio is Spread spread ? Report.Range(spread, Report.Factor) : "",
                inC is null || row.Watchers < FewestToWeigh ? "" : Report.Number(row.BytesInC),
                ours is null || row.Watchers < FewestToWeigh ? "" : Report.Number(row.Bytes),
            ];
            table.AddRow([.. cells.Select(Markup.Escape)]);
            markdown.Append("| ").AppendJoin(" | ", cells).Append(" |\n");
            missing.UnionWith(row.Result.Missing);
        }

        AnsiConsole.Write(table);

        foreach (string line in missing)
        {
            AnsiConsole.WriteLine($"without {line}");
            markdown.Append(CultureInfo.InvariantCulture, $"\nA dash: {line}.\n");
        }
    }

    private static Achievement? Find(Row row, string name) => row.Result.Achievements.FirstOrDefault(a => a.Name == name);
}
