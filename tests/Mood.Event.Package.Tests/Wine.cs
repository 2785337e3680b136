using System;

namespace Mood.Event.Package.Tests;

/// <summary>Runs Windows programs under Wine, in a Wine prefix of their own.</summary>
internal sealed class Wine : IDisposable
{
    private readonly string[] _variables;

    /// <param name="name">The name of the Wine prefix, which no other test has.</param>
    internal Wine(string name) => _variables = ["-u", "DISPLAY", $"WINEPREFIX={Place.New(name)}", "WINEDEBUG=-all"]; // without a display Wine shows no dialog

    /// <summary>Whether Wine is installed. Reports it if it is missing.</summary>
    internal static bool IsHere => Command.IsHere("wine");

    public void Dispose() => _ = Command.TryRun(Place.Root, "env", [.. _variables, "wineserver", "-k"]); // otherwise the server stays for a while

    /// <summary>Runs a program, asserts that it succeeds, and returns its output.</summary>
    internal string Run(string program, params string[] arguments) =>
        Command.Run(Place.Root, "env", [.. _variables, "wine", program, .. arguments]).ReplaceLineEndings("\n");

    /// <summary>Runs a .NET program, asserts that it succeeds, and returns its output.</summary>
    /// <remarks>
    /// Under Wine 8 the runtime sometimes crashes or hangs although no code of this library runs. So a program runs once more, unless it
    /// has succeeded or has returned 1, its exit code for a failure.
    /// </remarks>
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
