using System;
using System.Globalization;
using System.Linq;
using Spectre.Console;

namespace Mood.Event.Benchmarks;

/// <summary>Results as text.</summary>
internal static class Report
{
    /// <summary>Uses plain text and a sufficient width if the output is a file or a pipe.</summary>
    internal static void Initialize()
    {
        if (Console.IsOutputRedirected)
        {
            AnsiConsole.Profile.Capabilities.Ansi = false;
            AnsiConsole.Profile.Width = 140;
        }
    }

    /// <param name="result">The result to print.</param>
    /// <param name="quick">Whether the sizes were small. If so, the report does not say whether targets are met.</param>
    internal static void Print(Result result, bool quick)
    {
        Table table = new Table().Title(Markup.Escape($"{result.Area}: {result.Name}")).Border(TableBorder.Rounded);
        table.AddColumns("", result.Unit, "min … max", "× C libev", "min … max", "target");

        foreach (Achievement achievement in result.Achievements)
        {
            table.AddRow([.. new[]
            {
                achievement.Name,
                Number(achievement.Value.Median),
                Range(achievement.Value, Number),
                achievement.Ratio is Spread ratio ? Factor(ratio.Median) : "",
                achievement.Ratio is Spread spread ? Range(spread, Factor) : "",
                quick ? "" : Targets(result, achievement),
            }.Select(Markup.Escape)]);
        }

        AnsiConsole.Write(table);

        foreach (string missing in result.Missing)
        {
            AnsiConsole.WriteLine($"without {missing}");
        }
    }

    /// <summary>Describes each target and whether it is met.</summary>
    internal static string Targets(Result result, Achievement achievement) => string.Join(
        "; ", result.Shortfalls(achievement).Select(s => s.Target + (s.By <= 1 ? ": met" : ": MISSED")));

    /// <summary>Formats a number with three significant digits.</summary>
    internal static string Number(double value) => value switch
    {
        0 => "0",
        >= 1e4 => Format(value, "#,0"),
        >= 100 => Format(value, "0"),
        >= 10 => Format(value, "0.0"),
        _ => Format(value, "0.00"),
    };

    internal static string Factor(double value) => Format(value, value < 10 ? "0.00" : "0.0");

    internal static string Range(Spread spread, Func<double, string> format) => $"{format(spread.Min)} … {format(spread.Max)}";

    private static string Format(double value, string format) => value.ToString(format, CultureInfo.InvariantCulture);
}
