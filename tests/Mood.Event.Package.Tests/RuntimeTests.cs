using System;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>A user's program runs on every runtime that this machine has, with nothing but the package.</summary>
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

    private static string Rid => System.Runtime.InteropServices.RuntimeInformation.RuntimeIdentifier;
}
