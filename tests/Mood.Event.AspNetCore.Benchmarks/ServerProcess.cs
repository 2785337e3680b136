using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Text.RegularExpressions;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>A contender: a server in a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;
    private readonly int _port, _cores;

    /// <param name="contender">One of <see cref="Comparison.Contenders"/>. If it ends with <see cref="Comparison.Before"/>, the
    /// program <paramref name="before"/> runs the server.</param>
    /// <param name="cores">The number of cores of the server.</param>
    /// <param name="before">An earlier build of this program, or null.</param>
    internal ServerProcess(string contender, int cores, string? before)
    {
        _cores = cores;
        string program = contender.EndsWith(Comparison.Before, StringComparison.Ordinal) ? before! : Environment.ProcessPath!;
        string name = contender.Replace(Comparison.Before, "", StringComparison.Ordinal);
        var start = new ProcessStartInfo("taskset", ["-c", cores == 1 ? "0" : "0,1", program, "serve", name])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };

        if (name == Comparison.Tuned)
        {
            start.Environment["DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS"] = "1";
        }

        _process = Process.Start(start)!;
        _port = int.Parse(_process.StandardOutput.ReadLine() ?? "", CultureInfo.InvariantCulture);
    }

    internal int Id => _process.Id;

    /// <summary>Runs wrk once. If a short run on a busy machine has ended before its first answer, repeats it.</summary>
    internal Round Run(Load load, int seconds)
    {
        for (int tries = 0; tries < 5; tries++)
        {
            Round round = RunOnce(load, seconds);

            if (round.Rate > 0 && double.IsFinite(round.PerProcessorSecond))
            {
                return round;
            }
        }

        throw new InvalidOperationException($"{load.Name}: wrk got no answer in five runs");
    }

    private Round RunOnce(Load load, int seconds)
    {
        string file = Path.GetTempFileName();
        File.WriteAllText(file, load.Script);
        List<string> arguments = ["-c", _cores == 1 ? "1" : "0,1", "wrk", "-t", $"{_cores}", "-c", $"{load.Connections}", "-d", $"{seconds}", "--latency"];

        if (load.Script.Length > 0)
        {
            arguments.AddRange(["-s", file]);
        }

        if (load.Close)
        {
            arguments.AddRange(["-H", "Connection: close"]);
        }

        arguments.Add($"http://127.0.0.1:{_port}{load.Path}");
        TimeSpan before = ProcessorTime();
        using Process wrk = Process.Start(new ProcessStartInfo("taskset", arguments) { RedirectStandardOutput = true })!;
        string output = wrk.StandardOutput.ReadToEnd();
        wrk.WaitForExit();
        double busy = (ProcessorTime() - before).TotalSeconds;
        File.Delete(file);

        if (output.Contains("Non-2xx", StringComparison.Ordinal) || wrk.ExitCode != 0)
        {
            throw new InvalidOperationException(output);
        }

        double requests = double.Parse(Regex.Match(output, @"(\d+) requests in").Groups[1].Value, CultureInfo.InvariantCulture);
        double rate = double.Parse(Regex.Match(output, @"Requests/sec:\s+([\d.]+)").Groups[1].Value, CultureInfo.InvariantCulture);
        Match p99 = Regex.Match(output, @"99%\s+([\d.]+)(us|ms|s)");
        double unit = p99.Groups[2].Value switch { "us" => 0.001, "ms" => 1, _ => 1000 };
        return new Round(requests / busy, rate, double.Parse(p99.Groups[1].Value, CultureInfo.InvariantCulture) * unit, requests);
    }

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _process.Dispose();
    }

    private TimeSpan ProcessorTime()
    {
        _process.Refresh();
        return _process.TotalProcessorTime;
    }
}

/// <summary>The results of one run of wrk.</summary>
/// <param name="PerProcessorSecond">Requests per second of the server's processor time.</param>
/// <param name="Rate">Requests per second.</param>
/// <param name="Percentile99">The time in milliseconds within which 99 % of the answers came. 0 if wrk does not tell it.</param>
/// <param name="Requests">The number of requests.</param>
internal sealed record Round(double PerProcessorSecond, double Rate, double Percentile99, double Requests);
