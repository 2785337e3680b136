using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;

namespace Mood.Event.Tests;

/// <summary>Counts and writes the results. It is thread-safe.</summary>
internal sealed class Totals
{
    private readonly Dictionary<string, int> _skipped = [];
    private readonly List<(string Type, TimeSpan Duration)> _durations = [];
    private int _passed, _failed, _repeated;

    /// <summary>Counts tests that skips.txt names.</summary>
    internal void AddSkipped(string reason, int count = 1)
    {
        lock (_skipped)
        {
            _skipped[reason] = _skipped.GetValueOrDefault(reason) + count;
        }
    }

    /// <summary>Records how long the tests of a class took.</summary>
    internal void AddDuration(string type, TimeSpan duration)
    {
        lock (_durations)
        {
            _durations.Add((type, duration));
        }
    }

    /// <summary>Counts the result of a test.</summary>
    /// <param name="result">passed, failed, skipped or repeated.</param>
    /// <param name="text">The name of the test, and the reason if it failed, was skipped or runs again.</param>
    internal void Add(string result, string text)
    {
        if (result == "passed")
        {
            Interlocked.Increment(ref _passed);
            return;
        }

        switch (result)
        {
            case "failed":
                Interlocked.Increment(ref _failed);
                break;
            case "repeated":
                Interlocked.Increment(ref _repeated);
                break;
            default:
                AddSkipped("the test itself");
                break;
        }

        Console.WriteLine($"  {char.ToUpperInvariant(result[0])}{result[1..]} {text}"); // .ci/run searches for the first word
    }

    /// <summary>Writes the counts.</summary>
    /// <returns>The exit code.</returns>
    internal int Report(TimeSpan duration, bool isWhole)
    {
        foreach ((string reason, int count) in _skipped.Where(_ => isWhole).OrderBy(s => s.Key, StringComparer.Ordinal))
        {
            Console.WriteLine($"skipped {count,4}  {reason}");
        }

        foreach ((string type, TimeSpan time) in _durations.OrderByDescending(d => d.Duration).Take(10).Where(_ => isWhole))
        {
            Console.WriteLine($"slow    {time:m\\:ss}  {type}");
        }

        int skipped = _skipped.Values.Sum();
        Console.WriteLine($"{_repeated} tests ran a second time, because they failed, or because their process crashed or stopped.");
        Console.WriteLine(
            $"{(_failed == 0 ? "Passed!" : "Failed!")}  - Failed: {_failed,5}, Passed: {_passed,5}, Skipped: {skipped,5}, Total: {_failed + _passed + skipped,5}, Duration: {duration:m\\:ss} - Mood.Event.Tests for Windows");
        return _failed == 0 && _passed > 0 ? 0 : 1;
    }
}
