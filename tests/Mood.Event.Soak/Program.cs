using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Linq;

namespace Mood.Event.Soak;

/// <summary>Runs random operations on several loops and threads, and checks the results with models.</summary>
internal static class Program
{
    private static bool s_failed, s_shortage;
    private static long s_loops, s_calls;

    private static int Main(string[] args)
    {
        var minutes = new Argument<double>("minutes") { Description = "How long.", DefaultValueFactory = _ => 2 };
        var seed = new Option<int?>("--seed") { Description = "Runs one round with this seed, to replay a failure." };
        var loops = new Option<int>("--loops")
        {
            Description = "The number of loops that run at once, each on its own thread.",
            DefaultValueFactory = _ => 3,
        };
        var shortage = new Option<bool>("--shortage") { Description = "After each round, lets the file descriptors run out while a loop is embedded." };
        minutes.Validators.Add(result => Check(result, "minutes", result.GetValueOrDefault<double>() > 0));
        loops.Validators.Add(result => Check(result, "--loops", result.GetValueOrDefault<int>() > 0));
        var root = new RootCommand("Runs random operations and checks the results with models, until a result is wrong or the time is over.")
        {
            minutes, seed, loops, shortage,
        };
        root.SetAction(result =>
        {
            s_shortage = result.GetValue(shortage);
            return Soak(result.GetValue(minutes), result.GetValue(seed), result.GetValue(loops));
        });
        return root.Parse(args).Invoke();
    }

    private static void Check(SymbolResult result, string name, bool holds)
    {
        if (!holds && !result.Errors.Any())
        {
            result.AddError($"{name} must be more than 0.");
        }
    }

    private static int Soak(double minutes, int? replay, int loops)
    {
        List<Backends> backends = FindBackends();
        int first = replay ?? Environment.TickCount & 0x3fffffff;
        Console.WriteLine(FormattableString.Invariant(
            $"soak: {(replay is null ? $"{minutes} min" : "one round")}, {loops} loops at once, first seed {first}, on {string.Join(", ", backends)}"));

        var watch = Stopwatch.StartNew();
        double reported = 0;

        for (int seed = first; !s_failed && (seed == first || (replay is null && watch.Elapsed.TotalMinutes < minutes)); seed++)
        {
            RunRound(seed, loops, backends);

            if (watch.Elapsed.TotalSeconds >= reported + 10)
            {
                reported = watch.Elapsed.TotalSeconds;
                Report(watch.Elapsed);
            }
        }

        Report(watch.Elapsed);
        Console.WriteLine(s_failed ? "soak: FAILED" : "soak: passed");
        return s_failed ? 1 : 0;
    }

    private static void RunRound(int seed, int loops, List<Backends> backends)
    {
        using var round = new Round(seed, loops, backends);
        Exception? failure = round.Run();

        try
        {
            ServerRun.Run(seed, backends);

            if (s_shortage)
            {
                Shortage.Run(seed);
            }
        }
#pragma warning disable CA1031 // any exception is a failure, which the seed reproduces
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure ??= e;
        }

        if (failure is not null)
        {
            s_failed = true;
            Console.Error.WriteLine(FormattableString.Invariant($"soak: seed {seed}: {failure}"));
            Console.Error.WriteLine(FormattableString.Invariant($"soak: replay with ./build.sh soak --seed {seed} --loops {loops}"));
        }

        s_loops += loops;
        s_calls += round.Calls;
    }

    private static void Report(TimeSpan elapsed) => Console.WriteLine(string.Format(
        CultureInfo.InvariantCulture,
        "soak: {0:0} s, {1} loops, {2} callbacks",
        elapsed.TotalSeconds,
        s_loops,
        s_calls));

    private static List<Backends> FindBackends()
    {
        var found = new List<Backends>();

        foreach (Backends backend in Enum.GetValues<Backends>())
        {
            if ((backend & Ev.SupportedBackends) == 0 || backend is Backends.All or Backends.Mask)
            {
                continue;
            }

            try
            {
                using var loop = new Loop(LoopFlags.NoEnv, backend);
                found.Add(backend);
            }
            catch (EventException e)
            {
                Console.WriteLine($"soak: not on {backend}: {e.Message}");
            }
        }

        return found;
    }
}
