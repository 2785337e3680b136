using System;
using System.Diagnostics;
using System.Linq;

namespace Mood.Event.Tests;

/// <summary>Runs the tests of Mood.Event.Tests on Windows or under Wine. It skips by name what these lack: see skips.txt.</summary>
internal static class Program
{
    /// <summary>The first argument of a process that runs the tests of one class: see <see cref="ClassProcess"/>.</summary>
    internal const string ClassArgument = "--class";

    // run.sh ends the program after 10 minutes. It must report before.
    private static readonly TimeSpan s_limit = TimeSpan.FromMinutes(9);

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

        foreach (string type in Suite.FindClasses(filter))
        {
            if (watch.Elapsed < s_limit)
            {
                ClassProcess.RunAll(type, filter, totals);
            }
            else
            {
                totals.Add("failed", $"{type}: did not run, the time is over.");
            }
        }

        return totals.Report(watch.Elapsed, isWhole: filter.Length == 0);
    }
}
