using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading.Tasks;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>Counts the system calls of the servers per request, with strace.</summary>
internal static class SystemCalls
{
    // strace slows the server down. It runs longer than wrk, so that it sees all requests.
    private const int WarmUpSeconds = 3, Seconds = 2;

    /// <summary>About how long a load takes.</summary>
    internal static double SecondsPerLoad => Contenders.Length * (WarmUpSeconds + Seconds + 2.5);

    internal static string[] Contenders { get; } = [Comparison.Sockets, Comparison.Pool, Comparison.Inline];

    internal static CallCounts Measure(Load load, Stamp stamp)
    {
        var all = new Dictionary<string, Dictionary<string, double>>();

        foreach (string contender in Contenders)
        {
            using var server = new ServerProcess(contender, load.Cores, null);
            server.Run(load, WarmUpSeconds);
            all[contender] = Count(server, load);
            Console.Write('.');
        }

        Console.WriteLine();
        return new CallCounts(load.Name, all) { Stamp = stamp };
    }

    private static Dictionary<string, double> Count(ServerProcess server, Load load)
    {
        string file = Path.GetTempFileName();

        try
        {
            using Process strace = Process.Start(new ProcessStartInfo(
                "strace", ["-f", "-c", "-U", "name,calls", "-o", file, "-p", server.Id.ToString(CultureInfo.InvariantCulture)])
            {
                RedirectStandardError = true,
            })!;

            // strace says that it is attached to the process with all its threads
            string said = strace.StandardError.ReadLine() ?? "";

            if (!said.Contains("attached", StringComparison.Ordinal))
            {
                throw new InvalidOperationException($"strace: {said}");
            }

            Task<string> rest = strace.StandardError.ReadToEndAsync(); // so that a full pipe does not stop it
            double requests = server.Run(load, Seconds).Requests;
            using Process stop = Process.Start("kill", ["-INT", strace.Id.ToString(CultureInfo.InvariantCulture)]);
            strace.WaitForExit();
            rest.Wait();
            return File.ReadLines(file)
                .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(c => c.Length == 2 && c[0] != "total" && char.IsAsciiDigit(c[1][0]))
                .GroupBy(c => Kind(c[0]))
                .ToDictionary(g => g.Key, g => g.Sum(c => double.Parse(c[1], CultureInfo.InvariantCulture)) / requests);
        }
        finally
        {
            File.Delete(file);
        }
    }

    private static string Kind(string name) => name switch
    {
        "recvfrom" or "recvmsg" or "read" or "readv" => "recv",
        "sendto" or "sendmsg" or "writev" => "send",
        "epoll_wait" or "epoll_pwait" or "epoll_pwait2" => "epoll_wait",
        _ => name,
    };
}

/// <summary>The system calls per request of each contender under a load.</summary>
internal sealed record CallCounts(string Load, Dictionary<string, Dictionary<string, double>> Calls)
{
    /// <summary>The calls that have a column of their own.</summary>
    internal static string[] Columns { get; } = ["recv", "send", "epoll_wait", "epoll_ctl", "futex", "sched_yield"];

    public Stamp? Stamp { get; init; }

    internal double Of(string contender, string call) => Calls[contender].GetValueOrDefault(call);

    internal double Together(string contender) => Calls[contender].Values.Sum();
}
