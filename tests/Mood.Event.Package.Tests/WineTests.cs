using System;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>Programs that reference only the package, published for Windows with their runtime, run under Wine.</summary>
[Collection(PackageGroup.Name)]
public sealed class WineTests(PackageFixture package)
{
    private const string Samples = "../../docs/samples/";

    private bool IsHere => package.AllNatives && Wine.IsHere;

    [Fact]
    public void The_program_that_runs_on_every_system_runs_there()
    {
        if (IsHere)
        {
            AssertRuns("app", new App(package, "net10.0", "wine-app"));
        }
    }

    /// <summary>The .NET Framework uses this assembly. Wine has none, so the runtime of .NET 10 runs it, with the native library beside it as
    /// buildTransitive copies it.</summary>
    [Fact]
    public void So_does_the_assembly_for_the_NET_Framework()
    {
        if (!IsHere)
        {
            return;
        }

        string assembly = Path.Combine(package.Content, "lib", "netstandard2.0", "Mood.Event.dll"), native = package.Native("win-x64");
        AssertRuns("netstandard", new App(package, "net10.0", "wine-netstandard", version: "", references: $"""
            <Reference Include="{assembly}" />
            <None Include="{native}" Link="mood_event.dll" CopyToOutputDirectory="PreserveNewest" />
            """));
    }

    /// <summary>The self-test of the sample: it compares every byte, and fails if one is lost.</summary>
    [Theory, InlineData("echo"), InlineData("echo-async")]
    public void A_hundred_connections_of_an_echo_server_lose_nothing(string sample)
    {
        string? output = Publish(sample, "Echo", [Samples + sample, Samples + "echo"]); // the second sample replaces a file of the first

        if (output is null)
        {
            return;
        }

        using var wine = new Wine("wine-" + sample);
        string said = wine.RunManaged(Path.Combine(output, "App.exe"), "--selftest", "--connections", "100", "--seconds", "3");
        Console.WriteLine(said);
        Assert.StartsWith("echo self-test passed, backend Epoll", said, StringComparison.Ordinal);
        Assert.Matches(@"connections +100,", said);
        Assert.Contains("lost 0, changed 0", said, StringComparison.Ordinal);
    }

    [Fact]
    public void The_tour_runs_and_says_what_Windows_lacks()
    {
        string? output = Publish("tour", "Tour", [Samples + "tour"]);

        if (output is null)
        {
            return;
        }

        using var wine = new Wine("wine-tour");
        string said = wine.RunManaged(Path.Combine(output, "App.exe"));
        Console.WriteLine(said);
        string[] topics = [.. said.Split('\n').Where(l => l.Length > 0 && l[0] != ' ').Select(l => l.Split(':')[0])];
        Assert.Equal(
            ["timer", "periodic", "scheduler", "signal", "child", "stat", "idle", "prepare", "embed", "async", "keepalive", "priority", "exception"], topics);
        Assert.Contains("no backend of this system can be embedded", said, StringComparison.Ordinal);
        Assert.Contains("Windows does not stop and continue processes", said, StringComparison.Ordinal);
        Assert.Contains("Windows sends a signal only when", said, StringComparison.Ordinal);
        Assert.Contains("has ended, exit code 7", said, StringComparison.Ordinal);
    }

    private static void AssertRuns(string name, App app)
    {
        // Wine 8 and .NET 10: the finalizer of a dynamic method, which reflection makes for its second call, ends the process (0x80131506)
        string output = app.Publish("-r", "win-x64", "--self-contained", "-p:InvariantGlobalization=true", "-p:DynamicCodeSupport=false");
        using var wine = new Wine("wine-" + name);
        string said = wine.RunManaged(Path.Combine(output, "App.exe"));
        Console.WriteLine(said);
        Assert.EndsWith("done\n", said, StringComparison.Ordinal);
    }

    // Null: Wine is not installed.
    private string? Publish(string name, string rootNamespace, string[] sources)
    {
        if (!IsHere)
        {
            return null;
        }

        string commandLine = XDocument.Load(Path.Combine(Place.Repository, "tests", "Directory.Packages.props")).Descendants("PackageVersion")
            .Single(p => p.Attribute("Include")!.Value == "System.CommandLine").Attribute("Version")!.Value;
        var app = new App(package, "net10.0", "wine-app-" + name, sources, references: $"""<PackageReference Include="System.CommandLine" Version="{commandLine}" />""");
        return app.Publish("-r", "win-x64", "--self-contained", "-p:InvariantGlobalization=true", $"-p:RootNamespace={rootNamespace}");
    }
}
