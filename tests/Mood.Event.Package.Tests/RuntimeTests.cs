using System;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>A program that references only the package runs on every runtime of this machine.</summary>
[Collection(PackageGroup.Name)]
public sealed class RuntimeTests(PackageFixture package)
{
    [Fact]
    public void Console_program()
    {
        string output = new App(package, "net10.0", "console").Build();
        App.AssertRuns("dotnet", Path.Combine(output, "App.dll"));
    }

    [Fact]
    public void Trimmed_and_self_contained()
    {
        string output = new App(package, "net10.0", "trimmed")
            .Publish("-r", Rid, "--self-contained", "-p:PublishTrimmed=true", "-p:TrimMode=full");
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void Single_file_with_the_native_library_inside()
    {
        string output = new App(package, "net10.0", "single")
            .Publish("-r", Rid, "--self-contained", "false", "-p:PublishSingleFile=true", "-p:IncludeNativeLibrariesForSelfExtract=true");
        Assert.Equal(["App"], Directory.GetFiles(output, "*").Select(Path.GetFileName).Where(f => !f!.EndsWith(".pdb", StringComparison.Ordinal)));
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void Native_AOT()
    {
        string output = new App(package, "net8.0", "aot").Publish("-r", Rid, "-p:PublishAot=true");
        Assert.False(File.Exists(Path.Combine(output, "App.dll")));
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void Mono()
    {
        if (!Command.IsHere("mono"))
        {
            return;
        }

        string output = new App(package, "net472", "mono").Build();
        Assert.True(File.Exists(Path.Combine(output, Path.GetFileName(package.Native(Rid)))), "the native library lies beside the program");
        App.AssertRuns("mono", Path.Combine(output, "App.exe"));
    }

    /// <summary>The emulator runs Mono. The children are programs of the host machine.</summary>
    [Fact]
    public void Mono_on_arm64()
    {
        if (!package.AllNatives || !Command.IsHere("qemu-aarch64"))
        {
            return; // Command has reported it
        }

        (int exitCode, string system, string error) = Command.TryRun(
            Place.Root, "sh", Path.Combine(Place.Repository, "tests", "Mood.Event.Package.Tests", "mono-arm64.sh"));

        if (exitCode != 0)
        {
            Console.WriteLine($"There is no Mono for arm64: what needs it is skipped. {error}");
            return;
        }

        system = system.Trim();
        string output = new App(package, "net472", "mono-arm64").Build("-p:MoodEventRuntime=linux-arm64");
        string said = App.AssertRuns(
            "env", $"MONO_CFG_DIR={system}/etc", "qemu-aarch64", "-L", system, system + "/usr/bin/mono-sgen", Path.Combine(output, "App.exe"));
        Assert.Contains(" Arm64, ", said, StringComparison.Ordinal);
    }

    private static string Rid => System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
}
