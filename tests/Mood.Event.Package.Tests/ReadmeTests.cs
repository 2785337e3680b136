using System;
using System.IO;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The readme of the package is README.md. If the repository has an address, the links are absolute.</summary>
public sealed partial class ReadmeTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory().FullName;

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public void Without_an_address_the_readme_is_the_file_itself() =>
        Assert.Equal(File.ReadAllText(Path.Combine(Place.Repository, "README.md")).TrimEnd(), Readme("").TrimEnd());

    [Fact]
    public void With_an_address_every_link_is_absolute()
    {
        string readme = Readme("https://host.example/owner/name");
        Assert.DoesNotMatch(RelativeLink(), readme);
        Assert.Contains("](https://host.example/owner/name/raw/main/docs/architecture.svg)", readme, StringComparison.Ordinal);
        Assert.Contains("](https://host.example/owner/name/blob/main/docs/guide/getting-started.md)", readme, StringComparison.Ordinal);
    }

    private string Readme(string repository)
    {
        string file = Path.Combine(_directory, "README.md");
        Command.Run(
            Place.Repository,
            "dotnet",
            "msbuild",
            "src/Mood.Event/Mood.Event.csproj",
            "-t:WriteReadme",
            "-nologo",
            "-p:TargetFramework=net8.0",
            "-p:GITHUB_ACTIONS=false",
            "-p:GITHUB_SHA=main",
            $"-p:ReadmeFile={file}",
            $"-p:ReadmeRepository={repository}");
        return File.ReadAllText(file);
    }

    [GeneratedRegex(@"\]\((?!https?:|#)")]
    private static partial Regex RelativeLink();
}
