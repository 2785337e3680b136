using System;
using System.Collections.Generic;
using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>Random operations on several loops and threads, against models of what must happen.</summary>
internal static class Program
{
    private static volatile bool s_failed;
    private static long s_episodes, s_calls;

    private static int Main(string[] args)
    {
        var minutes = new Argument<double>("minutes", () => 2, "how long");
        var seed = new Option<int?>("--seed", "replay: the first episode's seed, as a failure printed it; one thread, one episode");
        var threads = new Option<int>("--threads", () => 3, "how many loops at once");
        var root = new RootCommand("Random operations of every kind against models, until a model is contradicted or the time is up.")
        {
            minutes, seed, threads,
        };
        root.SetHandler(context =>
        {
            ParseResult result = context.ParseResult;
            context.ExitCode = Soak(
                result.GetValueForArgument(minutes), result.GetValueForOption(seed), result.GetValueForOption(threads));
        });
        return root.Invoke(args);
    }

    private static int Soak(double minutes, int? replay, int threads)
    {
        List<Backends> backends = FindBackends();
        int first = replay ?? Environment.TickCount & 0x3fffffff;
        Console.WriteLine(FormattableString.Invariant(
            $"soak: {(replay is null ? $"{minutes} min, {threads} threads" : "one episode")}, first seed {first}, on {string.Join(", ", backends)}"));

        if (replay is not null)
        {
            RunEpisode(first, backends);
        }
        else
        {
            var watch = Stopwatch.StartNew();
            List<Thread> all = [.. Enumerable.Range(0, threads).Select(k => new Thread(() =>
            {
                for (int n = 0; !s_failed && watch.Elapsed.TotalMinutes < minutes; n++)
                {
                    RunEpisode(unchecked(first + k + n * threads), backends);
                }
            }))];
            all.ForEach(t => t.Start());

            while (all.Any(t => t.IsAlive))
            {
                if (!all[0].Join(TimeSpan.FromSeconds(10)))
                {
                    Report(watch.Elapsed);
                }

                all.RemoveAll(t => !t.IsAlive);
            }

            Report(watch.Elapsed);
        }

        Console.WriteLine(s_failed ? "soak: FAILED" : "soak: passed");
        return s_failed ? 1 : 0;
    }

    private static void RunEpisode(int seed, List<Backends> backends)
    {
        try
        {
            using var episode = new Episode(seed, backends);
            episode.Run();
            episode.Dispose();
            Interlocked.Add(ref s_calls, episode.Calls);
            Interlocked.Increment(ref s_episodes);
        }
#pragma warning disable CA1031 // whatever it is, its seed is what matters
        catch (Exception e)
#pragma warning restore CA1031
        {
            s_failed = true;
            Console.Error.WriteLine(FormattableString.Invariant($"soak: seed {seed}: {e}"));
            Console.Error.WriteLine(FormattableString.Invariant($"soak: replay with ./build.sh soak --seed {seed}"));
        }
    }

    private static void Report(TimeSpan elapsed) => Console.WriteLine(string.Format(
        CultureInfo.InvariantCulture,
        "soak: {0:0} s, {1} loops, {2} callbacks",
        elapsed.TotalSeconds,
        Interlocked.Read(ref s_episodes),
        Interlocked.Read(ref s_calls)));

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
