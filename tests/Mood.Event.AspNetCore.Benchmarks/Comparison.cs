using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Requests per second of the server's processor time, with wrk as the client. The contenders of a round run one after the
/// other in a random order, and only ratios within a round count.</summary>
internal static class Comparison
{
    internal const string Sockets = "sockets", Tuned = "tuned", Pool = "pool", Inline = "inline";

    private static readonly string[] s_contenders = [Sockets, Tuned, Pool, Inline];

    private const string Pipeline = """
        local all = {}
        init = function(args) for i = 1, 16 do all[i] = wrk.format("GET", "/") end; all = table.concat(all) end
        request = function() return all end
        """;

    private const string Post = """
        wrk.method = "POST"
        wrk.body = string.rep("x", 8192)
        """;

    private static readonly (string Title, int Connections, string Path, string Script, bool Close)[] s_loads =
    [
        ("plaintext, 64 connections", 64, "/", "", false),
        ("plaintext, 512 connections", 512, "/", "", false),
        ("plaintext, 1 connection", 1, "/", "", false),
        ("pipelined x16, 64 connections", 64, "/", Pipeline, false),
        ("JSON, 64 connections", 64, "/json", "", false),
        ("64 KiB answers, 64 connections", 64, "/large", "", false),
        ("POST 8 KiB, 64 connections", 64, "/post", Post, false),
        ("a connection per request", 64, "/", "", true),
    ];

    internal static int Run(int rounds)
    {
        if (!IsHere("wrk") || !IsHere("taskset"))
        {
            Console.Error.WriteLine("bench kestrel needs wrk and taskset (Debian: apt-get install wrk util-linux).");
            return 1;
        }

        Dictionary<string, (Process Process, int Port)> servers = s_contenders.ToDictionary(c => c, Start);
        Console.WriteLine("Requests per second of the server's processor time. Ratios are medians of the rounds, against Kestrel's default transport.\n");
        Console.WriteLine("| load | sockets: requests/s, p99 | sockets tuned inline | Mood.Event, pool | Mood.Event, inline | inline against tuned | inline: requests/s, p99 |");
        Console.WriteLine("|---|---|---|---|---|---|---|");

        foreach ((string title, int connections, string path, string script, bool close) in s_loads)
        {
            Dictionary<string, List<Result>> results = s_contenders.ToDictionary(c => c, _ => new List<Result>());

            for (int round = -1; round < rounds; round++) // the first round warms up
            {
                string[] order = [.. s_contenders];
                Random.Shared.Shuffle(order);

                foreach (string contender in order)
                {
                    Result result = Load(servers[contender], connections, path, script, close);

                    if (round >= 0)
                    {
                        results[contender].Add(result);
                    }
                }
            }

            double Ratio(string contender, string against) =>
                Median(results[contender].Zip(results[against], (a, b) => a.PerProcessorSecond / b.PerProcessorSecond));
            string Seen(string contender) => FormattableString.Invariant(
                $"{Median(results[contender].Select(r => r.Rate)):n0}/s, {Median(results[contender].Select(r => r.Percentile99)):n0} us");
            Console.WriteLine(FormattableString.Invariant(
                $"| {title} | {Seen(Sockets)} | {Ratio(Tuned, Sockets):n2} | {Ratio(Pool, Sockets):n2} | {Ratio(Inline, Sockets):n2} | {Ratio(Inline, Tuned):n2} | {Seen(Inline)} |"));
        }

        foreach ((Process process, _) in servers.Values)
        {
            process.StandardInput.Close();
            process.WaitForExit();
        }

        return 0;
    }

    private static (Process Process, int Port) Start(string contender)
    {
        var start = new ProcessStartInfo("taskset", ["-c", "0", Environment.ProcessPath!, "serve", contender])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        if (contender == Tuned)
        {
            start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        }

        Process process = Process.Start(start)!;
        return (process, int.Parse(process.StandardOutput.ReadLine() ?? "", CultureInfo.InvariantCulture));
    }

    private static Result Load((Process Process, int Port) server, int connections, string path, string script, bool close)
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, script);
        List<string> arguments = ["-c", "1", "wrk", "-t", "1", "-c", $"{connections}", "-d", "2", "--latency"];

        if (script.Length > 0)
        {
            arguments.AddRange(["-s", file]);
        }

        if (close)
        {
            arguments.AddRange(["-H", "Connection: close"]);
        }

        arguments.Add($"http://127.0.0.1:{server.Port}{path}");
        server.Process.Refresh();
        TimeSpan before = server.Process.TotalProcessorTime;
        using Process wrk = Process.Start(new ProcessStartInfo("taskset", arguments) { RedirectStandardOutput = true })!;
        string output = wrk.StandardOutput.ReadToEnd();
        wrk.WaitForExit();
        server.Process.Refresh();
        double busy = (server.Process.TotalProcessorTime - before).TotalSeconds;
        File.Delete(file);

        if (output.Contains("Non-2xx", StringComparison.Ordinal) || wrk.ExitCode != 0)
        {
            throw new InvalidOperationException(output);
        }

        double requests = double.Parse(Regex.Match(output, @"(\d+) requests in").Groups[1].Value, CultureInfo.InvariantCulture);
        double rate = double.Parse(Regex.Match(output, @"Requests/sec:\s+([\d.]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        Match p99 = Regex.Match(output, @"99%\s+([\d.]+)(us|ms|s)");
        double unit = p99.Groups[2].Value switch { "us" => 1, "ms" => 1000, _ => 1_000_000 };
        return new Result(requests / busy, rate, double.Parse(p99.Groups[1].Value, CultureInfo.InvariantCulture) * unit);
    }

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return sorted[sorted.Length / 2];
    }

    private static bool IsHere(string program) =>
        Environment.GetEnvironmentVariable("PATH")!.Split(':').Any(d => File.Exists(Path.Combine(d, program)));

    private sealed record Result(double PerProcessorSecond, double Rate, double Percentile99);
}
