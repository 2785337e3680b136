using System;
using System.Diagnostics;

namespace Tour;

/// <summary>Prints lines with the time since the start of the topic.</summary>
internal static class Say
{
    private static readonly Stopwatch s_watch = new();

    public static void Title(string title)
    {
        Console.WriteLine();
        Console.WriteLine(title);
        s_watch.Restart();
    }

    public static void That(string text) => Console.WriteLine($"  {s_watch.Elapsed.TotalSeconds:F2} s  {text}");

    /// <summary>Formats a loop's time, in seconds since the epoch, as a time of day in UTC.</summary>
    public static string Clock(double time) =>
        DateTimeOffset.FromUnixTimeMilliseconds((long)Math.Round(time * 1000)).ToString("HH:mm:ss.fff 'UTC'", null);
}
