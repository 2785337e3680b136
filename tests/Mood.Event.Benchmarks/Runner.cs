using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Threading;

namespace Mood.Event.Benchmarks;

/// <summary>Runs comparisons: all contenders in turn, round after round, in this one process.</summary>
internal static class Runner
{
    // The runtime compiles a method a second time after 30 calls and 100 ms without new ones, in the background, and the
    // second time only collects what the third needs: so a few rounds with pauses between.
    private const int WarmUps = 3;
    private static readonly Random s_random = new(1);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(150);

    internal static Result Run(Comparison comparison, int rounds)
    {
        rounds *= comparison.RoundsFactor;
        var missing = new List<string>();
        List<Contender> contenders = [.. comparison.Contenders.Where(c => WarmUp(c, missing))];
        Dictionary<string, List<double>> values = contenders.ToDictionary(c => c.Name, _ => new List<double>());

        for (int i = 0; i < rounds; i++)
        {
            // everybody is first once in a while
            for (int k = 0; k < contenders.Count; k++)
            {
                Contender contender = contenders[(i + k) % contenders.Count];
                values[contender.Name].Add(Round(contender));
            }
        }

        return new Result(
            comparison.Area,
            comparison.Name,
            comparison.Unit,
            comparison.HigherIsBetter,
            comparison.Target,
            comparison.SocketsTarget,
            comparison.Limit,
            rounds,
            [.. contenders.Select(c => new Achievement(
                c.Name, Spread.Of(values[c.Name]), Ratio(c.Name, Contender.Libev), Ratio(c.Name, Contender.Sockets)))],
            missing);

        Spread? Ratio(string name, string to) =>
            name != to && values.TryGetValue(to, out List<double>? baseline) ? Spread.OfRatios(values[name], baseline) : null;
    }

    private static bool WarmUp(Contender contender, List<string> missing)
    {
        try
        {
            long start = Stopwatch.GetTimestamp();

            for (int i = 0; i < WarmUps; i++)
            {
                _ = Round(contender);

                // C needs no compiler, but the caches and the clock of the processor are warm for both
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
        // nobody pays for another one's garbage
        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var ballast = new Ballast(s_random);
        return contender.Round();
    }
}
