using System;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>A program that references only the package runs on every runtime that this machine has.</summary>
[Collection(PackageGroup.Name)]
public sealed class RuntimeTests(PackageFixture package)
{
    [Fact]
    public void A_console_program_runs()
    {
        string output = new App(package, "net10.0", "console").Build();
        App.AssertRuns("dotnet", Path.Combine(output, "App.dll"));
    }

    [Fact]
    public void A_trimmed_and_self_contained_program_runs()
    {
        string output = new App(package, "net10.0", "trimmed")
            .Publish("-r", Rid, "--self-contained", "-p:PublishTrimmed=true", "-p:TrimMode=full");
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void A_single_file_that_contains_the_native_library_runs()
    {
        string output = new App(package, "net10.0", "single")
            .Publish("-r", Rid, "--self-contained", "false", "-p:PublishSingleFile=true", "-p:IncludeNativeLibrariesForSelfExtract=true");
        Assert.Equal(["App"], Directory.GetFiles(output, "*").Select(Path.GetFileName).Where(f => !f!.EndsWith(".pdb", StringComparison.Ordinal)));
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void A_program_compiled_ahead_of_time_runs()
    {
        string output = new App(package, "net8.0", "aot").Publish("-r", Rid, "-p:PublishAot=true");
        Assert.False(File.Exists(Path.Combine(output, "App.dll")));
        App.AssertRuns(Path.Combine(output, "App"));
    }

    [Fact]
    public void A_program_runs_on_Mono()
    {
        if (!Command.IsHere("mono"))
        {
            return;
        }

        string output = new App(package, "net472", "mono").Build();
        Assert.True(File.Exists(Path.Combine(output, Path.GetFileName(package.Native(Rid)))), "the native library is missing beside the program");
        App.AssertRuns("mono", Path.Combine(output, "App.exe"));
    }

    /// <summary>The emulator runs Mono. The children that the program starts are programs of the host machine.</summary>
    [Fact]
    public void A_program_runs_on_Mono_on_arm64()
    {
        if (!package.AllNatives || !Command.IsHere("qemu-aarch64"))
        {
            return; // Command has reported the missing program
        }

        (int exitCode, string system, string error) = Command.TryRun(
            Place.Root, "sh", Path.Combine(Place.Repository, "tests", "Mood.Event.Package.Tests", "mono-arm64.sh"));

        if (exitCode != 0)
        {
            Console.WriteLine($"There is no Mono for arm64. The test is skipped. {error}");
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
