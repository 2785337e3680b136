using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;

namespace Mood.Event.Benchmarks;

/// <summary>Counts the system calls of another process, with strace.</summary>
internal static class SystemCalls
{
    /// <summary>Counts the system calls of a process for some seconds.</summary>
    /// <returns>The number of system calls, and the number of those that have sent a message.</returns>
    internal static (long Calls, long Messages) Count(int pid, double seconds)
    {
        string file = Path.GetTempFileName();

        try
        {
            var start = new ProcessStartInfo("timeout") { RedirectStandardError = true };
            string[] arguments =
            [
                "-s", "INT", seconds.ToString(CultureInfo.InvariantCulture),
                "strace", "-f", "-q", "-c", "-o", file, "-p", pid.ToString(CultureInfo.InvariantCulture),
            ];
            Array.ForEach(arguments, start.ArgumentList.Add);
            using Process process = Process.Start(start)!;
            string errors = process.StandardError.ReadToEnd();
            process.WaitForExit();

            // A row of the table of strace -c has the time, the calls, the errors (if any), and the name of a system call. The
            // last row is a total.
            (string Name, long Calls)[] rows = [.. File.ReadLines(file)
                .Select(l => l.Split(' ', StringSplitOptions.RemoveEmptyEntries))
                .Where(c => c.Length >= 5 && char.IsAsciiDigit(c[0][0]) && c[^1] != "total")
                .Select(c => (c[^1], long.Parse(c[3], CultureInfo.InvariantCulture)))];
            long messages = rows.Where(r => r.Name.StartsWith("send", StringComparison.Ordinal)).Sum(r => r.Calls);
            return messages > 0 ? (rows.Sum(r => r.Calls), messages)
                : throw new UnavailableException($"strace is missing or may not trace ({errors.Trim().Split('\n')[0]})");
        }
        finally
        {
            File.Delete(file);
        }
    }
}
