using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading.Tasks;

namespace Mood.Event.Tests;

/// <summary>
/// Runs the tests of one class in a process. Because Wine fails tests on a busy machine, a test that fails runs a second time, in
/// another process, and counts as failed only if it fails again. A test that crashes the process, or does not end, also runs a second
/// time, but only the first such test of a class.
/// </summary>
internal sealed class ClassProcess(string type, string filter, int place, Totals totals)
{
    /// <summary>The beginning of each line that <see cref="Suite"/> writes for this class.</summary>
    internal const string Mark = "@@ ";

    // A test has a shorter time limit of its own. This limit is for a test that blocks in native code.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    // A class that takes longer would take the time of the other classes.
    private static readonly TimeSpan s_classLimit = TimeSpan.FromMinutes(6);

    private static readonly TimeSpan s_moment = TimeSpan.FromSeconds(1);

    // The lines in which a process says what its machine lacks. Each line is written once.
    private static readonly ConcurrentDictionary<string, bool> s_said = new();

    private readonly Stopwatch _watch = Stopwatch.StartNew();

    // The tests that skips.txt names. Each process of the class names the same ones.
    private readonly HashSet<string> _left = [];

    // The numbers of the tests that have failed once.
    private readonly HashSet<int> _repeated = [];

    private bool _hasCrashed;

    /// <summary>Runs the tests of the class that the filter chooses and that are not skipped.</summary>
    internal void RunAll()
    {
        int? first = 0;

        while (first is int number)
        {
            if (_watch.Elapsed > s_classLimit)
            {
                totals.Add("failed", $"{type}: {s_classLimit.TotalMinutes} minutes are over, and the tests from number {number} on did not run.");
                break;
            }

            first = Run(number);
        }

        totals.AddDuration(type, _watch.Elapsed);
    }

    // Returns the number of the test with which the next process continues, or null if all tests were run.
    private int? Run(int first)
    {
        string[] command = Environment.GetEnvironmentVariable("MOOD_EVENT_WINDOWS_TESTS")?.Split(' ') ?? [Environment.ProcessPath!];
        var start = new ProcessStartInfo(command[0], [.. command[1..], Program.ClassArgument, type, first.ToString(CultureInfo.InvariantCulture), filter])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true, // many tests cause reports there, which are of interest only if the process crashes
        };

        if (Environment.GetEnvironmentVariable("MOOD_EVENT_WINE") is string wine)
        {
            start.Environment["WINEPREFIX"] = $"{wine}/{place}";
        }

        using Process process = Process.Start(start)!;
        using var lines = new BlockingCollection<string>();
        _ = Task.Run(() => Read(process, lines));
        var errors = new ConcurrentQueue<string>();
        process.ErrorDataReceived += (_, e) => errors.Enqueue(e.Data ?? string.Empty);
        process.BeginErrorReadLine();
        int test = first - 1;
        string name = type;
        bool repeats = false;

        while (Take(process, lines) is string line)
        {
            string[] words = line.Split(' ', 3);

            switch (words[0])
            {
                case "test":
                    (test, name) = (int.Parse(words[1], CultureInfo.InvariantCulture), words[2]);
                    break;
                case "left":
                    (string reason, string left) = (line["left ".Length..line.IndexOf('\t')], line[line.IndexOf('\t')..]);

                    if (_left.Add(left))
                    {
                        totals.AddSkipped(reason);
                    }

                    break;
                case "end":
                    return null;
                case "failed" when !_repeated.Contains(test):
                    totals.Add("repeated", line["failed ".Length..]);
                    repeats = true;
                    break;
                case "more" when repeats:
                    _repeated.Add(test);
                    return test;
                case "more":
                    return test + 1;
                default:
                    totals.Add(words[0], line[(words[0].Length + 1)..]);
                    break;
            }
        }

        string what = process.HasExited ? $"ended with exit code 0x{process.ExitCode:X}" : "no longer answered";
        process.Kill(entireProcessTree: true);
        process.WaitForExit();

        foreach (string line in errors.TakeLast(10))
        {
            Console.WriteLine("    " + line);
        }

        if (!_hasCrashed)
        {
            _hasCrashed = true;
            totals.Add("repeated", $"{name}: the process {what}.");
            return Math.Max(test, first);
        }

        totals.Add("failed", $"{name}: the process {what}.");
        return test < first ? null : test + 1;
    }

    // Returns null if the process has ended or no longer answers. Under Wine the end of its output may not arrive.
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
            // The class has ended.
        }
    }
}
