using System;

namespace Mood.Event.Package.Tests;

/// <summary>Runs programs for Windows under Wine, in a Windows directory of their own.</summary>
internal sealed class Wine : IDisposable
{
    private readonly string[] _variables;

    /// <param name="name">The name of the Windows directory: one per test.</param>
    internal Wine(string name) => _variables = ["-u", "DISPLAY", $"WINEPREFIX={Place.New(name)}", "WINEDEBUG=-all"]; // without a display it shows no dialog

    /// <summary>Whether Wine is installed. Reports a missing one.</summary>
    internal static bool IsHere => Command.IsHere("wine");

    public void Dispose() => _ = Command.TryRun(Place.Root, "env", [.. _variables, "wineserver", "-k"]); // it stays for a while otherwise

    /// <summary>Runs a program, which must succeed, and returns its output.</summary>
    internal string Run(string program, params string[] arguments) =>
        Command.Run(Place.Root, "env", [.. _variables, "wine", program, .. arguments]).ReplaceLineEndings("\n");

    /// <summary>Runs a program of .NET, which must succeed, and returns its output.</summary>
    /// <remarks>Under Wine 8 the runtime sometimes crashes or stops, with no code of this library running. So a program that neither succeeds
    /// nor returns 1, its own code of a failure, runs once more.</remarks>
    internal string RunManaged(string program, params string[] arguments)
    {
        string[] command = [.. _variables, "timeout", "--kill-after=5", "100", "wine", program, .. arguments];
        (int exitCode, string output, string error) = Command.TryRun(Place.Root, "env", command);

        if (exitCode is 0 or 1)
        {
            Xunit.Assert.True(exitCode == 0, $"{program}: exit code {exitCode}\n{output}\n{error}");
            return output.ReplaceLineEndings("\n");
        }

        Console.WriteLine($"Wine: {program} ended with exit code {exitCode} and runs once more.\n{output}\n{error}");
        return Command.Run(Place.Root, "env", command).ReplaceLineEndings("\n");
    }
}
