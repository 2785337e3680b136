using System;
using System.Collections.Generic;
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

    private const int Seconds = 1, WarmUpSeconds = 3, WarmUps = 2;

    internal static string[] Contenders { get; } = [Sockets, Tuned, Pool, Inline];

    /// <param name="rounds">The number of rounds of each load.</param>
    /// <param name="name">Only loads whose name contains this text are measured.</param>
    /// <param name="before">An earlier build of this program, whose servers are contenders too, or null.</param>
    /// <param name="write">Whether to write the last results of all loads into the documentation.</param>
    internal static int Run(int rounds, string name, string? before, bool write)
    {
        if (!IsHere("wrk") || !IsHere("taskset"))
        {
            Console.Error.WriteLine("bench kestrel needs wrk and taskset (Debian: apt-get install wrk util-linux).");
            return 1;
        }

        foreach (Load load in rounds == 0 ? [] : Load.All.Where(l => l.Name.Contains(name, StringComparison.Ordinal)))
        {
            Result result = Measure(load, rounds, before);
            Console.Write(KestrelReport.Text(result));

            if (before is null)
            {
                Store.Save(result);
            }
        }

        if (write)
        {
            KestrelReport.Write(Store.Load());
        }

        return 0;
    }

    // Each load has servers of its own, because the runtime optimizes a server for the calls that it has made.
    private static Result Measure(Load load, int rounds, string? before)
    {
        string[] contenders = before is null ? Contenders : [.. Contenders, Pool + Before, Inline + Before];
        Dictionary<string, ServerProcess> servers = contenders.ToDictionary(c => c, c => new ServerProcess(c, load.Cores, before));
        Dictionary<string, List<Round>> results = contenders.ToDictionary(c => c, _ => new List<Round>());

        for (int round = -WarmUps; round < rounds; round++)
        {
            string[] order = [.. contenders];
            Random.Shared.Shuffle(order);

            foreach (string contender in order)
            {
                Round result = servers[contender].Run(load, round < 0 ? WarmUpSeconds : Seconds);

                if (round >= 0)
                {
                    results[contender].Add(result);
                }
            }
        }

        foreach (ServerProcess server in servers.Values)
        {
            server.Dispose();
        }

        return new Result(load.Name, results.ToDictionary(r => r.Key, r => r.Value.ToArray()));
    }

    private static bool IsHere(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(d => File.Exists(Path.Combine(d, program)));
}
