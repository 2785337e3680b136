using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>build.ps1 has the verbs of build.sh.</summary>
public sealed partial class BuildScriptTests
{
    private static readonly string s_shell = File.ReadAllText(Path.Combine(Place.Repository, "build.sh"));
    private static readonly string s_powerShell = File.ReadAllText(Path.Combine(Place.Repository, "build.ps1")).ReplaceLineEndings("\n"); // git may check it out with CRLF

    [Fact]
    public void Both_scripts_have_the_same_usage() =>
        Assert.Equal(Usage().Match(s_shell).Value, Usage().Match(s_powerShell).Value.Replace("build.ps1", "build.sh", StringComparison.Ordinal));

    [Fact]
    public void Both_scripts_have_every_verb_of_the_usage()
    {
        string[] told = [.. Told().Matches(Usage().Match(s_shell).Value).Select(m => m.Groups[1].Value)];
        string[] shell = [.. ShellCase().Matches(s_shell).Select(m => m.Groups[1].Value)];
        string[] powerShell = [.. PowerShellCase().Matches(s_powerShell).SelectMany(m => Quoted().Matches(m.Value)).Select(m => m.Groups[1].Value)];
        Assert.Contains("pack", told);
        Assert.Equal(told.Append("help").Order(StringComparer.Ordinal), shell.Order(StringComparer.Ordinal));
        Assert.Equal(told.Append("help").Order(StringComparer.Ordinal), powerShell.Where(v => !v.StartsWith('-')).Order(StringComparer.Ordinal));
    }

    // The script is copied, so that clean does not delete the artifacts of this repository if the script does not know --help.
    [Theory]
    [InlineData("build.sh", "sh")]
    [InlineData("build.ps1", "pwsh", "-NoProfile", "-File")]
    public void Help_after_a_verb_prints_the_usage(string script, string shell, params string[] options)
    {
        if (shell != "sh" && !Command.IsHere(shell))
        {
            return;
        }

        string directory = Directory.CreateTempSubdirectory("mood-event-").FullName;
        string copy = Path.Combine(directory, script);
        File.Copy(Path.Combine(Place.Repository, script), copy);

        // bench and soak pass it on to programs that have their own help
        foreach (string verb in Told().Matches(Usage().Match(s_shell).Value).Select(m => m.Groups[1].Value).Where(v => v is not ("bench" or "soak")))
        {
            foreach (string[] help in new string[][] { ["--help"], ["-h", "x"] })
            {
                string output = Command.Run("/", shell, [.. options, copy, verb, .. help]);
                Assert.StartsWith($"usage: ./{script} VERB", output, StringComparison.Ordinal);
            }
        }

        Directory.Delete(directory, recursive: true);
    }

    [Fact]
    public void The_PowerShell_script_runs()
    {
        if (!Command.IsHere("pwsh"))
        {
            return;
        }

        string script = Path.Combine(Place.Repository, "build.ps1");
        Assert.Contains("usage: ./build.ps1 VERB", Command.Run("/", "pwsh", "-NoProfile", "-File", script), StringComparison.Ordinal);
        Assert.Equal(2, Command.TryRun("/", "pwsh", "-NoProfile", "-File", script, "nonsense").ExitCode);
        Assert.Equal(2, Command.TryRun("/", "pwsh", "-NoProfile", "-File", script, "demo", "nonsense").ExitCode);
        Command.Run("/", "pwsh", "-NoProfile", "-File", script, "native");
    }

    [GeneratedRegex(@"usage: \./build.*?The default is Release\.", RegexOptions.Singleline)]
    private static partial Regex Usage();

    [GeneratedRegex(@"^  ([a-z-]+) ", RegexOptions.Multiline)]
    private static partial Regex Told();

    [GeneratedRegex(@"^  ([a-z-]+)(?:\|[^)]*)?\)", RegexOptions.Multiline)]
    private static partial Regex ShellCase();

    // A case has one verb, or a condition with several verbs.
    [GeneratedRegex(@"^    (?:'[\w-]+'|\{ \$_ -in [^}]*\}) \{", RegexOptions.Multiline)]
    private static partial Regex PowerShellCase();

    [GeneratedRegex(@"'([\w-]+)'")]
    private static partial Regex Quoted();
}
