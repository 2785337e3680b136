using System;
using System.IO;
using System.Runtime.InteropServices;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>What a user reads when the native library is not there, or is another one.</summary>
[Collection(PackageGroup.Name)]
public sealed class MissingLibraryTests(PackageFixture package)
{
    [Fact]
    public void What_was_looked_for_is_said()
    {
        string output = Build("missing");
        string message = Failure(output);
        Assert.Contains(Path.GetFileName(package.Native(RuntimeInformation.RuntimeIdentifier)), message, StringComparison.Ordinal);
        Assert.Contains(output, message, StringComparison.Ordinal);
        Assert.Contains(RuntimeInformation.ProcessArchitecture.ToString(), message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_library_of_another_version_is_refused()
    {
        string output = Build("other");
        string source = Path.Combine(Place.New("other-native"), "other.c");
        File.WriteAllText(source, "int mood_abi_version (void) { return 9999; }");
        Command.Run(
            Place.Root, Environment.GetEnvironmentVariable("CC") ?? "cc", "-shared", "-fPIC", source, "-o",
            Path.Combine(output, Path.GetFileName(package.Native(RuntimeInformation.RuntimeIdentifier))));
        Assert.Contains("9999", Failure(output), StringComparison.Ordinal);
    }

    [Fact]
    public void Windows_is_refused()
    {
        if (!Command.IsHere("wine"))
        {
            return;
        }

        // wine makes itself a Windows in there; without a display it asks nothing
        string[] windows = ["-u", "DISPLAY", $"WINEPREFIX={Place.New("wine")}", "WINEDEBUG=-all"];
        string output = new App(package, "net10.0", "windows").Publish("-r", "win-x64", "--self-contained");
        string message = Refusal("env", [.. windows, "wine", Path.Combine(output, "App.exe")]);
        _ = Command.TryRun(Place.Root, "env", [.. windows, "wineserver", "-k"]); // it may linger
        Assert.Contains("Windows", message, StringComparison.Ordinal);
        Assert.Contains("mood_event.dll", message, StringComparison.Ordinal);
    }

    /// <summary>Builds a program and takes its native libraries away.</summary>
    private string Build(string name)
    {
        string output = new App(package, "net10.0", name).Build();
        Directory.Delete(Path.Combine(output, "runtimes"), recursive: true);
        return output;
    }

    private static string Failure(string output) => Refusal("dotnet", Path.Combine(output, "App.dll"));

    private static string Refusal(string program, params string[] arguments)
    {
        string said = Command.Run(Place.Root, program, [.. arguments, "refused"]).ReplaceLineEndings("\n");
        Assert.EndsWith("\nrefused\n", said, StringComparison.Ordinal);
        return said;
    }
}
