using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Mood.Event.Tests;

/// <summary>Counts the results, and writes them. Any thread.</summary>
internal sealed class Totals
{
    private readonly Dictionary<string, int> _skipped = [];
    private int _passed, _failed;

    /// <summary>Counts tests that skips.txt names.</summary>
    internal void AddSkipped(string reason, int count = 1)
    {
        lock (_skipped)
        {
            _skipped[reason] = _skipped.GetValueOrDefault(reason) + count;
        }
    }

    /// <summary>Counts the result of a test.</summary>
    /// <param name="result">passed, failed or skipped.</param>
    /// <param name="text">The name of the test, and why it failed or was skipped.</param>
    internal void Add(string result, string text)
    {
        if (result == "passed")
        {
            Interlocked.Increment(ref _passed);
            return;
        }

        if (result == "failed")
        {
            Interlocked.Increment(ref _failed);
        }
        else
        {
            AddSkipped("the test itself");
        }

        Console.WriteLine($"  {(result == "failed" ? "Failed" : "Skipped")} {text}"); // .ci/run looks for the first word
    }

    /// <summary>Writes the counts.</summary>
    /// <returns>The exit code.</returns>
    internal int Report(TimeSpan duration, bool isWhole)
    {
        foreach ((string reason, int count) in _skipped.Where(_ => isWhole).OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"skipped {count,4}  {reason}");
        }

        int skipped = _skipped.Values.Sum();
        Console.WriteLine(
            $"{(_failed == 0 ? "Passed!" : "Failed!")}  - Failed: {_failed,5}, Passed: {_passed,5}, Skipped: {skipped,5}, Total: {_failed + _passed + skipped,5}, Duration: {duration:m\\:ss} - Mood.Event.Tests for Windows");
        return _failed == 0 && _passed > 0 ? 0 : 1;
    }
}
