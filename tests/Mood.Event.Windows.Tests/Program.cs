using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Linq;
using System.Threading;

namespace Mood.Event.Tests;

/// <summary>Runs the tests of Mood.Event.Tests on Windows or under Wine, except those that skips.txt names.</summary>
/// <remarks>Under Wine a process that starts others does not work for long. So this program then runs on the host system, and starts its
/// Windows build with the command in MOOD_EVENT_WINDOWS_TESTS. It does so in the directories 1, 2 and 3 of MOOD_EVENT_WINE.</remarks>
internal static class Program
{
    /// <summary>The first argument of a process that runs the tests of one class: see <see cref="ClassProcess"/>.</summary>
    internal const string ClassArgument = "--class";

    // Processes that run at the same time, each in the directory with the number of its thread. Most of the time they wait.
    private const int AtOnce = 3;

    // No class begins after this time, because run.sh ends the program after 20 minutes, and the report must come before.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(15);

    /// <param name="arguments">None, or a part of the names of the tests to run.</param>
    private static int Main(string[] arguments)
    {
        if (arguments.Length == 4 && arguments[0] == ClassArgument)
        {
            Suite.Run(arguments[1], int.Parse(arguments[2], null), arguments[3]);
            return 0;
        }

        var watch = Stopwatch.StartNew();
        string filter = arguments.FirstOrDefault() ?? string.Empty;
        var totals = new Totals();

        var classes = new ConcurrentQueue<string>(Suite.FindClasses(filter));
        Thread[] threads = [.. Enumerable.Range(0, AtOnce).Select(place => new Thread(() => RunClasses(place + 1)))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());

        return totals.Report(watch.Elapsed, isWhole: filter.Length == 0);

        void RunClasses(int place)
        {
            while (classes.TryDequeue(out string? type))
            {
                if (Skips.ReasonOf(type + '.') is string reason)
                {
                    totals.AddSkipped(reason, Suite.CountMethods(type)); // methods, because the data of skipped tests is not created
                }
                else if (watch.Elapsed < s_limit)
                {
                    new ClassProcess(type, filter, place, totals).RunAll();
                }
                else
                {
                    totals.Add("failed", $"{type}: did not run, because the time was over.");
                }
            }
        }
    }
}
