using System;
using System.IO;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>Programs that reference only the package are published for Windows with their runtime, and run under Wine.</summary>
[Collection(PackageGroup.Name)]
public sealed class WineTests(PackageFixture package)
{
    // For its second call of a method, reflection makes a dynamic method. With .NET 10 under Wine 8 the finalizer of a dynamic method
    // ends the process (0x80131506).
    private static readonly string[] s_publish =
        ["-r", "win-x64", "--self-contained", "-p:InvariantGlobalization=true", "-p:DynamicCodeSupport=false"];

    private const string Samples = "../../docs/samples/";

    private bool IsHere => package.AllNatives && Wine.IsHere;

    [Fact]
    public void The_program_that_runs_on_every_system_runs_under_Wine()
    {
        if (IsHere)
        {
            AssertRuns("app", new App(package, "net10.0", "wine-app"));
        }
    }

    /// <summary>
    /// This is the assembly that the .NET Framework uses. Wine has no .NET Framework, so the runtime of .NET 10 runs the assembly, with the
    /// native library beside it as buildTransitive copies it.
    /// </summary>
    [Fact]
    public void The_assembly_for_the_NET_Framework_works_under_Wine()
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

    /// <summary>Runs the sample's self-test, which compares every byte and fails if one is lost.</summary>
    [Theory, InlineData("echo"), InlineData("echo-async")]
    public void A_hundred_connections_of_an_echo_server_lose_nothing(string sample)
    {
        string? output = Publish(sample, "Echo", [Samples + sample, Samples + "echo"]); // files of the first directory replace those of the second

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
    public void The_tour_sample_runs_and_says_what_Windows_lacks()
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
        string output = app.Publish(s_publish);
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
        return app.Publish([.. s_publish, $"-p:RootNamespace={rootNamespace}"]);
    }
}
