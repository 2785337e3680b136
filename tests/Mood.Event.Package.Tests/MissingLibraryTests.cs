using System;
using System.IO;
using System.Runtime.InteropServices;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The messages about a native library that is missing or has another version.</summary>
[Collection(PackageGroup.Name)]
public sealed class MissingLibraryTests(PackageFixture package)
{
    [Fact]
    public void The_message_names_the_file_that_was_searched_for()
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
    public void On_Windows_the_message_names_the_file_too()
    {
        if (!Wine.IsHere)
        {
            return;
        }

        string output = new App(package, "net10.0", "windows").Publish("-r", "win-x64", "--self-contained");
        File.Delete(Path.Combine(output, "mood_event.dll"));
        using var wine = new Wine("wine");
        string message = AssertRefused(wine.RunManaged(Path.Combine(output, "App.exe"), "refused"));
        Assert.Contains("Windows", message, StringComparison.Ordinal);
        Assert.Contains("mood_event.dll", message, StringComparison.Ordinal);
    }

    /// <summary>Builds a program and deletes its native libraries.</summary>
    private string Build(string name)
    {
        string output = new App(package, "net10.0", name).Build();
        Directory.Delete(Path.Combine(output, "runtimes"), recursive: true);
        return output;
    }

    private static string Failure(string output) => AssertRefused(Command.Run(Place.Root, "dotnet", Path.Combine(output, "App.dll"), "refused"));

    private static string AssertRefused(string said)
    {
        Assert.EndsWith("\nrefused\n", said, StringComparison.Ordinal);
        return said;
    }
}
