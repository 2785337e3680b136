using System;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>
/// A new project outside the repository. It references the package, and compiles the sources in App/ or in other directories.
/// </summary>
internal sealed class App
{
    private readonly string _directory;

    /// <param name="package">The package.</param>
    /// <param name="framework">The target framework.</param>
    /// <param name="name">The name of the project's directory, which no other project has.</param>
    /// <param name="sources">The directories of its sources, relative to this project. If several have a file with the same name, the file
    /// of the first one is used.</param>
    /// <param name="version">Another version than the package's. If empty, the project does not reference the package.</param>
    /// <param name="references">PackageReference elements for other packages.</param>
    internal App(PackageFixture package, string framework, string name, string[]? sources = null, string? version = null, string references = "")
    {
        _directory = Place.New(name);

        foreach (string source in (sources ?? ["App"]).Select(s => Path.Combine(Place.Repository, "tests", "Mood.Event.Package.Tests", s))
            .SelectMany(d => Directory.GetFiles(d, "*.cs", SearchOption.AllDirectories)).DistinctBy(Path.GetFileName))
        {
            File.Copy(source, Path.Combine(_directory, Path.GetFileName(source)));
        }

        File.Copy(Path.Combine(Place.Repository, "tests", "Shared", "Posix.cs"), Path.Combine(_directory, "Posix.cs"));

        // These files keep out the settings of parent directories. The package sources of the machine stay.
        File.WriteAllText(Path.Combine(_directory, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(_directory, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(_directory, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="mood-event" value="{package.Feed}" />
              </packageSources>
            </configuration>
            """);
        File.WriteAllText(Path.Combine(_directory, "App.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>{framework}</TargetFramework>
                <LangVersion>latest</LangVersion>
                <Nullable>enable</Nullable>
                <TreatWarningsAsErrors>true</TreatWarningsAsErrors>
                <MSBuildTreatWarningsAsErrors>true</MSBuildTreatWarningsAsErrors>
                <TrimmerSingleWarn>false</TrimmerSingleWarn>
              </PropertyGroup>
              <ItemGroup>
                {(version?.Length == 0 ? "" : $"""<PackageReference Include="Mood.Event" Version="[{version ?? package.Version}]" />""")}
                {references}
              </ItemGroup>
            </Project>
            """);
    }

    /// <summary>Builds the project and returns the output directory.</summary>
    internal string Build(params string[] arguments) => Make("build", arguments);

    /// <summary>Publishes the project and returns the output directory.</summary>
    internal string Publish(params string[] arguments) => Make("publish", arguments);

    /// <summary>Runs the program, asserts that it reaches its end, and returns its output.</summary>
    internal static string AssertRuns(string program, params string[] arguments)
    {
        string output = Command.Run(Place.Root, program, arguments);
        Assert.EndsWith("done\n", output, StringComparison.Ordinal);
        return output;
    }

    private string Make(string verb, params string[] arguments)
    {
        string output = Path.Combine(_directory, "out");
        string log = Command.Run(_directory, "dotnet", [verb, "-c", "Release", "-v", "minimal", "-o", output, .. arguments]);
        Assert.DoesNotMatch(@"\bwarning( \w+)?:", log); // includes warnings that MSBuild prints and does not count
        return output;
    }
}
