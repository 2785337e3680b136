using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Threading.Tasks;

namespace Mood.Event.Tests;

/// <summary>A process that runs the tests of one class. If it crashes, or a test does not end, that test has failed, and another process
/// runs the rest.</summary>
internal static class ClassProcess
{
    /// <summary>Begins the lines of <see cref="Suite"/>.</summary>
    internal const string Mark = "@@ ";

    // A test has its own time limit, which is shorter. This one is for a test that blocks in native code.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(1);

    // Every process says what its machine lacks. Once is enough.
    private static readonly ConcurrentDictionary<string, bool> s_said = new();

    /// <summary>Runs the tests of a class that the filter chooses and that are not skipped.</summary>
    internal static void RunAll(string type, string filter, Totals totals)
    {
        int first = 0;
        bool again = true;

        while (Run(type, first, filter, totals, ref again) is int last)
        {
            first = last + 1;
        }
    }

    // Returns the number of the last test that was run, or null: all were. A process that ends or hangs before its first test is started
    // again, once: under Wine that happens, mostly when the machine is busy.
    private static int? Run(string type, int first, string filter, Totals totals, ref bool again)
    {
        string[] command = Environment.GetEnvironmentVariable("MOOD_EVENT_WINDOWS_TESTS")?.Split(' ') ?? [Environment.ProcessPath!];
        var start = new ProcessStartInfo(command[0], [.. command[1..], Program.ClassArgument, type, first.ToString(CultureInfo.InvariantCulture), filter])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        using var lines = new BlockingCollection<string>();
        _ = Task.Run(() => Read(process, lines));
        int test = first - 1;
        string name = type;

        while (Take(process, lines) is string line)
        {
            string[] words = line.Split(' ', 3);

            switch (words[0])
            {
                case "test":
                    (test, name) = (int.Parse(words[1], CultureInfo.InvariantCulture), words[2]);
                    break;
                case "left":
                    totals.AddSkipped(line["left ".Length..]);
                    break;
                case "end":
                    return null;
                case "more":
                    return test;
                default:
                    totals.Add(words[0], line[(words[0].Length + 1)..]);
                    break;
            }
        }

        bool hasCrashed = process.HasExited;
        process.Kill();
        process.WaitForExit();

        if (test < first && again)
        {
            again = false;
            return test;
        }

        totals.Add("failed", $"{name}: the process {(hasCrashed ? $"ended with exit code 0x{process.ExitCode:X}" : "did not answer any more")}.");
        return test < first ? null : test;
    }

    // Returns null when the process has ended, or does not answer any more. The end of its output may not arrive under Wine.
    private static string? Take(Process process, BlockingCollection<string> lines)
    {
        var watch = Stopwatch.StartNew();
        string? line;

        while (!lines.TryTake(out line, s_moment))
        {
            if (lines.IsCompleted || watch.Elapsed > s_patience || process.HasExited)
            {
                return lines.TryTake(out line, s_moment) ? line : null;
            }
        }

        return line;
    }

    private static void Read(Process process, BlockingCollection<string> lines)
    {
        try
        {
            while (process.StandardOutput.ReadLine() is string line)
            {
                if (line.StartsWith(Mark, StringComparison.Ordinal))
                {
                    lines.Add(line[Mark.Length..]);
                }
                else if (line.Length > 0 && s_said.TryAdd(line, true))
                {
                    Console.WriteLine("    " + line);
                }
            }

            lines.CompleteAdding();
        }
        catch (Exception e) when (e is ObjectDisposedException or InvalidOperationException)
        {
            // the class is over
        }
    }
}
