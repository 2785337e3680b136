using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;

namespace Mood.Event.Benchmarks;

/// <summary>Runs comparisons. In each round, all contenders run in turn, in this process.</summary>
internal static class Runner
{
    private static readonly Random s_random = new(1);

    // After 30 calls of a method and 100 ms without new methods, the runtime compiles the method a second time, in the
    // background. That code only collects the profile for the third compilation. So the warm-up has a few rounds with pauses
    // between them.
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(150);

    /// <returns>The comparison's result, and one for each of its readings.</returns>
    internal static IReadOnlyList<Result> Run(Comparison comparison, int rounds)
    {
        rounds = comparison.Rounds ?? (rounds * comparison.RoundsFactor);
        var missing = new List<string>();
        List<Contender> contenders = [.. comparison.Contenders.Where(c => WarmUp(c, comparison.WarmUps, missing))];
        Dictionary<string, List<double>> values = Lists(contenders);
        Dictionary<string, List<double>>[] readings = [.. comparison.Readings.Select(_ => Lists(contenders))];

        for (int i = 0; i < rounds; i++)
        {
            // Each contender is the first one in some rounds.
            for (int k = 0; k < contenders.Count; k++)
            {
                Contender contender = contenders[(i + k) % contenders.Count];
                values[contender.Name].Add(Round(contender));

                for (int r = 0; r < readings.Length; r++)
                {
                    readings[r][contender.Name].Add(comparison.Readings[r].Value(contender.Name));
                }
            }
        }

        var result = new Result(
            comparison.Area,
            comparison.Name,
            comparison.Unit,
            comparison.HigherIsBetter,
            comparison.Target,
            comparison.SocketsTarget,
            comparison.Limit,
            rounds,
            Achievements(contenders, values),
            missing);

        return [result, .. comparison.Readings.Zip(readings, (reading, read) => result with
        {
            Name = $"{comparison.Name}, {reading.Name}",
            Unit = reading.Unit,
            HigherIsBetter = reading.HigherIsBetter,
            Target = reading.Target,
            SocketsTarget = reading.SocketsTarget,
            Limit = null,
            Achievements = Achievements(contenders, read),
            Missing = [],
        })];
    }

    private static Dictionary<string, List<double>> Lists(List<Contender> contenders) =>
        contenders.ToDictionary(c => c.Name, _ => new List<double>());

    private static List<Achievement> Achievements(List<Contender> contenders, Dictionary<string, List<double>> values)
    {
        return [.. contenders.Select(c => new Achievement(
            c.Name, Spread.Of(values[c.Name]), Ratio(c.Name, Contender.Libev), Ratio(c.Name, Contender.Sockets))
        {
            HasTarget = c.HasTarget,
        })];

        Spread? Ratio(string name, string to) =>
            name != to && values.TryGetValue(to, out List<double>? baseline) ? Spread.OfRatios(values[name], baseline) : null;
    }

    private static bool WarmUp(Contender contender, int rounds, List<string> missing)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();

            for (int i = 0; i < rounds; i++)
            {
                _ = Round(contender);

                // C has no JIT to wait for. Its rounds only warm up the processor's caches and clock.
                if (contender.IsOurs || contender.Name == Contender.Sockets)
                {
                    Thread.Sleep(s_pause);
                }
                else if (Stopwatch.GetElapsedTime(start) > s_pause)
                {
                    break;
                }
            }

            return true;
        }
        catch (UnavailableException e)
        {
            missing.Add($"{contender.Name}: {e.Message}");
            return false;
        }
    }

    private static double Round(Contender contender)
    {
        // Collects the garbage, so that no contender pays for that of another.
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var ballast = new Ballast(s_random);
        return contender.Round();
    }
}
