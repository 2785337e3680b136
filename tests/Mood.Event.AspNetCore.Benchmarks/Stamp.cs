using System;
using System.Diagnostics;
using System.Globalization;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>The time of a measurement, and the commit that was measured. All results of a run of the program have the same stamp.</summary>
/// <param name="Time">The time in UTC.</param>
/// <param name="Commit">The commit of the repository, and whether files were changed since.</param>
internal sealed record Stamp(string Time, string Commit)
{
    internal static Stamp Now() => new(
        DateTime.UtcNow.ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
        Git("rev-parse", "--short", "HEAD") + (Git("status", "--porcelain", "--untracked-files=no").Length > 0 ? " with changes" : ""));

    public override string ToString() => $"{Time} UTC, commit {Commit}";

    private static string Git(params string[] arguments)
    {
        try
        {
            using Process process = Process.Start(new ProcessStartInfo("git", ["-C", KestrelReport.RepositoryRoot, .. arguments])
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
            })!;
            string output = process.StandardOutput.ReadToEnd().Trim();
            process.WaitForExit();
            return process.ExitCode == 0 ? output : "unknown";
        }
        catch (System.ComponentModel.Win32Exception)
        {
            return "unknown"; // there is no git
        }
    }
}
