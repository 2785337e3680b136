using System;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>build.ps1 offers what build.sh does.</summary>
public sealed partial class BuildScriptTests
{
    private static readonly string s_shell = File.ReadAllText(Path.Combine(Place.Repository, "build.sh"));
    private static readonly string s_powerShell = File.ReadAllText(Path.Combine(Place.Repository, "build.ps1")).ReplaceLineEndings("\n"); // which git may keep as Windows has them

    [Fact]
    public void Both_say_the_same_of_themselves() =>
        Assert.Equal(Usage().Match(s_shell).Value, Usage().Match(s_powerShell).Value.Replace("build.ps1", "build.sh", StringComparison.Ordinal));

    [Fact]
    public void Both_know_every_verb_that_they_tell_of()
    {
        string[] told = [.. Told().Matches(Usage().Match(s_shell).Value).Select(m => m.Groups[1].Value)];
        string[] shell = [.. ShellCase().Matches(s_shell).Select(m => m.Groups[1].Value)];
        string[] powerShell = [.. PowerShellCase().Matches(s_powerShell).SelectMany(m => Quoted().Matches(m.Value)).Select(m => m.Groups[1].Value)];
        Assert.Contains("pack", told);
        Assert.Equal(told.Append("help").Order(StringComparer.Ordinal), shell.Order(StringComparer.Ordinal));
        Assert.Equal(told.Append("help").Order(StringComparer.Ordinal), powerShell.Where(v => !v.StartsWith('-')).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void PowerShell_runs_it()
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

    [GeneratedRegex(@"usage: \./build.*?says otherwise\.", RegexOptions.Singleline)]
    private static partial Regex Usage();

    [GeneratedRegex(@"^  ([a-z-]+) ", RegexOptions.Multiline)]
    private static partial Regex Told();

    [GeneratedRegex(@"^  ([a-z-]+)(?:\|[^)]*)?\)", RegexOptions.Multiline)]
    private static partial Regex ShellCase();

    // one verb, or several in a condition
    [GeneratedRegex(@"^    (?:'[\w-]+'|\{ \$_ -in [^}]*\}) \{", RegexOptions.Multiline)]
    private static partial Regex PowerShellCase();

    [GeneratedRegex(@"'([\w-]+)'")]
    private static partial Regex Quoted();
}
