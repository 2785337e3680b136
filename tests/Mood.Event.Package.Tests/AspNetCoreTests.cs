using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The package Mood.Event.AspNetCore.</summary>
[Collection(PackageGroup.Name)]
public sealed class AspNetCoreTests(PackageFixture package)
{
    [Fact]
    public void The_package_has_exactly_the_expected_files()
    {
        Assert.Equal(
            ["Mood.Event.AspNetCore.nuspec", "README.md", "icon.png", "lib/net8.0/Mood.Event.AspNetCore.dll", "lib/net8.0/Mood.Event.AspNetCore.xml"],
            Entries(package.AspNetCore));
        Assert.Contains("lib/net8.0/Mood.Event.AspNetCore.pdb", Entries(Path.ChangeExtension(package.AspNetCore, "snupkg")));
    }

    [Fact]
    public void The_package_depends_on_Mood_Event_of_the_same_version()
    {
        using ZipArchive archive = ZipFile.OpenRead(package.AspNetCore);
        using Stream entry = archive.GetEntry("Mood.Event.AspNetCore.nuspec")!.Open();
        XElement metadata = XDocument.Load(entry).Root!.Elements().First();
        XElement[] dependencies = [.. metadata.Descendants().Where(e => e.Name.LocalName == "dependency")];
        Assert.Equal(package.Version, metadata.Elements().Single(e => e.Name.LocalName == "version").Value);
        Assert.Equal(package.Version, dependencies.Single(d => d.Attribute("id")!.Value == "Mood.Event").Attribute("version")!.Value);
        Assert.Single(dependencies);
        Assert.Equal("Microsoft.AspNetCore.App", metadata.Descendants().Single(e => e.Name.LocalName == "frameworkReference").Attribute("name")!.Value);
    }

    /// <summary>The app (Web/Program.cs) is a minimal API with one added line, the call of UseMoodEvent.</summary>
    [Fact]
    public void A_minimal_api_runs_over_loops()
    {
        var app = new App(package, "net10.0", "web", ["Web"], references: $"""
            <PackageReference Include="Mood.Event.AspNetCore" Version="[{package.Version}]" />
            <FrameworkReference Include="Microsoft.AspNetCore.App" />
            """);
        string output = app.Build("-p:NuGetAudit=false");
        Assert.Equal("Mood.Event.AspNetCore\ndone\n", App.AssertRuns(Path.Combine(output, "App")));
    }

    // The files of the package, without those that the package format adds.
    private static string[] Entries(string file)
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        return [.. archive.Entries.Select(e => e.FullName)
            .Where(e => e != "[Content_Types].xml" && !e.StartsWith("_rels/", StringComparison.Ordinal)
                && !e.StartsWith("package/", StringComparison.Ordinal)).Order(StringComparer.Ordinal)];
    }
}
