using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.InteropServices;

namespace Mood.Event.Tests;

/// <summary>The tests that do not run on this machine, and the reasons: skips.txt.</summary>
internal static class Skips
{
    private const string Namespace = "Mood.Event.Tests.";

    private static readonly List<(string Name, string Reason)> s_skips = Read();

    /// <summary>Whether this process runs under Wine, or is the process on Linux that starts Wine.</summary>
    internal static bool IsWine => !OperatingSystem.IsWindows() || NativeLibrary.TryGetExport(NativeLibrary.Load("ntdll"), "wine_get_version", out _);

    /// <summary>Why a test does not run, or null.</summary>
    internal static string? ReasonOf(string test)
    {
        string name = test.StartsWith(Namespace, StringComparison.Ordinal) ? test[Namespace.Length..] : test;
        return s_skips.Find(s => name.StartsWith(s.Name, StringComparison.Ordinal)).Reason;
    }

    // A line is "windows REASON" or "wine REASON". The names below it, which are indented, are the beginnings of names of tests.
    private static List<(string Name, string Reason)> Read()
    {
        bool isWine = IsWine;
        var skips = new List<(string Name, string Reason)>();
        string reason = string.Empty;
        bool isHere = false;

        foreach (string line in File.ReadLines(Path.Combine(AppContext.BaseDirectory, "skips.txt")).Where(l => l.Length > 0 && l[0] != '#'))
        {
            if (!char.IsWhiteSpace(line[0]))
            {
                reason = line;
                isHere = isWine || !line.StartsWith("wine ", StringComparison.Ordinal);
            }
            else if (isHere)
            {
                skips.Add((line.Trim(), reason));
            }
        }

        return skips;
    }
}
