using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>
/// Measures requests per second of the server's processor time, with wrk as the client. In each round the contenders run one
/// after the other in a random order. Only ratios within a round are used.
/// </summary>
internal static class Comparison
{
    internal const string Sockets = "sockets", Tuned = "tuned", Pool = "pool", Inline = "inline", Before = ", before";

    private const int WarmUpSeconds = 3, WarmUps = 2;

    // The starts of a server, of wrk and of strace take about this long. Only the estimate uses it.
    private const double StartSeconds = 0.7, RunSeconds = 0.1;

    internal static string[] Contenders { get; } = [Sockets, Tuned, Pool, Inline];

    internal static int Run(Options options)
    {
        if (!IsHere("wrk") || !IsHere("taskset"))
        {
            Console.Error.WriteLine("bench kestrel needs wrk and taskset (Debian: apt-get install wrk util-linux).");
            return 1;
        }

        bool countsCalls = options.Calls || (options.Write && IsHere("strace"));

        if (countsCalls && !IsHere("strace"))
        {
            Console.Error.WriteLine("bench kestrel --calls needs strace.");
            return 1;
        }

        Load[] loads = options.Rounds == 0 ? [] : [.. Load.All.Where(l => l.Name.Contains(options.Name, StringComparison.Ordinal))];
        var stamp = Stamp.Now();
        var watch = Stopwatch.StartNew();
        PrintPlan(options, loads, countsCalls);

        for (int i = 0; i < loads.Length; i++)
        {
            Console.Write($"{watch.Elapsed:mm\\:ss} {i + 1}/{loads.Length} ");
            Result result = Measure(loads[i], options, stamp);
            Console.Write(KestrelReport.Text(result));

            if (options.Before is null)
            {
                Store.Save(result);
            }
        }

        if (countsCalls)
        {
            foreach (Load load in Load.All.Where(l => l.CountsCalls))
            {
                Console.Write($"{watch.Elapsed:mm\\:ss} system calls: {load.Name} ");
                CallCounts counts = SystemCalls.Measure(load, stamp);
                Console.Write(KestrelReport.Text(counts));
                Store.Save(counts);
            }
        }

        if (options.Write)
        {
            KestrelReport.Write(Store.Load());
        }

        Console.WriteLine($"{watch.Elapsed:mm\\:ss} done");
        return 0;
    }

    private static void PrintPlan(Options options, Load[] loads, bool countsCalls)
    {
        int contenders = Contenders.Length + (options.Before is null ? 0 : 2);
        double load = contenders * (StartSeconds + (WarmUps * WarmUpSeconds) + (options.Rounds * (options.Seconds + RunSeconds)));
        double calls = countsCalls ? SystemCalls.SecondsPerLoad * Load.All.Count(l => l.CountsCalls) : 0;
        Console.WriteLine($"{loads.Length} loads, {options.Rounds} rounds of {options.Seconds} s: about {TimeSpan.FromSeconds((load * loads.Length) + calls):mm\\:ss}. A dot is a round.");
    }

    // Each load has servers of its own, because the runtime optimizes a server for the calls that it has made.
    private static Result Measure(Load load, Options options, Stamp stamp)
    {
        string[] contenders = options.Before is null ? Contenders : [.. Contenders, Pool + Before, Inline + Before];
        Dictionary<string, ServerProcess> servers = contenders.ToDictionary(c => c, c => new ServerProcess(c, load.Cores, options.Before));
        Dictionary<string, List<Round>> results = contenders.ToDictionary(c => c, _ => new List<Round>());

        for (int round = -WarmUps; round < options.Rounds; round++)
        {
            string[] order = [.. contenders];
            Random.Shared.Shuffle(order);

            foreach (string contender in order)
            {
                Round result = servers[contender].Run(load, round < 0 ? WarmUpSeconds : options.Seconds);

                if (round >= 0)
                {
                    results[contender].Add(result);
                }
            }

            Console.Write(round < 0 ? 'w' : '.');
        }

        foreach (ServerProcess server in servers.Values)
        {
            server.Dispose();
        }

        Console.WriteLine();
        return new Result(load.Name, results.ToDictionary(r => r.Key, r => r.Value.ToArray())) { Stamp = stamp, Seconds = options.Seconds };
    }

    private static bool IsHere(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(d => File.Exists(Path.Combine(d, program)));
}
