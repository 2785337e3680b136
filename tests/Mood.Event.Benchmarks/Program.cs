using System;
using System.Collections.Generic;
using System.CommandLine;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Benchmarks;

/// <summary>Mood.Event against C libev and others, in turn, in one process: what counts are the ratios.</summary>
internal static class Program
{
    // a shared machine has bad moments: --quick is no measurement, it finds what broke
    private const double QuickTolerance = 2;

    private static int Main(string[] args)
    {
        Native.Initialize();
        Report.Initialize();
        _ = Posix.RaiseFdLimit();

        var area = new Argument<string?>("area")
        {
            Description = $"What to measure: {string.Join(", ", Areas.Names)}; without it, all.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var quick = new Option<bool>("--quick")
        {
            Description = $"Small sizes and 3 rounds; fails where a target is missed by a factor of {QuickTolerance}.",
        };
        var rounds = new Option<int?>("--rounds") { Description = "How many rounds each contender runs (7)." };
        var command = new RootCommand("Mood.Event against C libev and others, in turn, in one process.") { area, quick, rounds };
        area.Validators.Add(result =>
        {
            if (result.GetValueOrDefault<string?>() is string name && !Areas.Names.Contains(name))
            {
                result.AddError($"There is no area '{name}'. There are: {string.Join(", ", Areas.Names)}.");
            }
        });
        command.SetAction(result => Run(
            result.GetValue(area), result.GetValue(quick), result.GetValue(rounds) ?? (result.GetValue(quick) ? 3 : 7)));
        return command.Parse(args).Invoke();
    }

    private static int Run(string? area, bool quick, int rounds)
    {
        Console.WriteLine(FormattableString.Invariant(
            $"{Environment.ProcessorCount} cores, {RuntimeInformation.FrameworkDescription}, {rounds} rounds"));
        var results = new List<Result>();

        foreach (Comparison comparison in Areas.Comparisons(area, quick))
        {
            Result result = Runner.Run(comparison, rounds);
            Report.Print(result);
            results.Add(result);
        }

        bool failed = results.Any(r => r.WorstShortfall > QuickTolerance);
        return quick && failed ? 1 : 0;
    }
}
