using System;
using System.Collections.Generic;
using System.ComponentModel;
using System.Diagnostics;
using System.Linq;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>Runs programs as a user runs them from a shell.</summary>
internal static class Command
{
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15);

    private static readonly Dictionary<string, string> s_environment = new()
    {
        ["NUGET_PACKAGES"] = Place.Packages,
        // A build server would keep running, and keep our pipes open.
        ["MSBUILDDISABLENODEREUSE"] = "1",
        ["UseSharedCompilation"] = "false",
        ["DOTNET_CLI_USE_MSBUILD_SERVER"] = "0",
        ["DOTNET_NOLOGO"] = "1",
    };

    /// <summary>Runs a program, asserts that it succeeds, and returns its output.</summary>
    internal static string Run(string directory, string program, params string[] arguments)
    {
        (int exitCode, string output, string error) = TryRun(directory, program, arguments);
        Assert.True(exitCode == 0, $"{program} {string.Join(' ', arguments)}: exit code {exitCode}\n{output}\n{error}");
        return output;
    }

    internal static (int ExitCode, string Output, string Error) TryRun(string directory, string program, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = directory,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Another MSBuild must not inherit the variables of the MSBuild that runs the tests.
        foreach (string name in start.Environment.Keys.Where(IsOfTheRunner).ToArray())
        {
            start.Environment.Remove(name);
        }

        foreach ((string name, string value) in s_environment)
        {
            start.Environment[name] = value;
        }

        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync(), error = process.StandardError.ReadToEndAsync();

        if (!process.WaitForExit(s_patience) || !Task.WaitAll([output, error], s_patience))
        {
            process.Kill(entireProcessTree: true);
            throw new TimeoutException($"{program} {string.Join(' ', arguments)} is still running after {s_patience}");
        }

        return (process.ExitCode, output.Result, error.Result);
    }

    /// <summary>Whether an optional program is installed. Reports a missing program.</summary>
    internal static bool IsHere(string program)
    {
        try
        {
            _ = TryRun("/", program, "--version");
            return true;
        }
        catch (Win32Exception)
        {
            Console.WriteLine($"{program} is not installed. The tests that need it are skipped.");
            return false;
        }
    }

    private static bool IsOfTheRunner(string name) =>
        name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase) || name.StartsWith("VSTEST", StringComparison.OrdinalIgnoreCase)
        || name.StartsWith("COREHOST", StringComparison.OrdinalIgnoreCase) || name is "CONFIGURATION" or "DOTNET_CLI_TELEMETRY_SESSIONID";
}
