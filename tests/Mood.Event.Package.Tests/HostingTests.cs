using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The package Mood.Event.Hosting.</summary>
[Collection(PackageGroup.Name)]
public sealed class HostingTests(PackageFixture package)
{
    [Fact]
    public void The_package_has_exactly_the_expected_files()
    {
        Assert.Equal(
            ["Mood.Event.Hosting.nuspec", "README.md", "icon.png", "lib/net8.0/Mood.Event.Hosting.dll", "lib/net8.0/Mood.Event.Hosting.xml"],
            Entries(package.Hosting));
        Assert.Contains("lib/net8.0/Mood.Event.Hosting.pdb", Entries(Path.ChangeExtension(package.Hosting, "snupkg")));
    }

    [Fact]
    public void The_package_depends_on_Mood_Event_of_the_same_version()
    {
        using ZipArchive archive = ZipFile.OpenRead(package.Hosting);
        using Stream entry = archive.GetEntry("Mood.Event.Hosting.nuspec")!.Open();
        XElement metadata = XDocument.Load(entry).Root!.Elements().First();
        XElement[] dependencies = [.. metadata.Descendants().Where(e => e.Name.LocalName == "dependency")];
        Assert.Equal(package.Version, metadata.Elements().Single(e => e.Name.LocalName == "version").Value);
        Assert.Equal(package.Version, dependencies.Single(d => d.Attribute("id")!.Value == "Mood.Event").Attribute("version")!.Value);
        Assert.All(
            dependencies.Where(d => d.Attribute("id")!.Value != "Mood.Event"),
            d => Assert.EndsWith(".Abstractions", d.Attribute("id")!.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("net8.0", "8.0.1")]
    [InlineData("net10.0", "10.0.0")]
    public void A_new_project_runs_a_loop_in_the_generic_host(string framework, string version)
    {
        var app = new App(package, framework, "hosted-" + framework, ["Hosted"], references: $"""
            <PackageReference Include="Mood.Event.Hosting" Version="[{package.Version}]" />
            <PackageReference Include="Microsoft.Extensions.Hosting" Version="{version}" />
            """);
        string output = app.Build("-p:RollForward=Major", "-p:NuGetAudit=false");
        Assert.Equal("packed: True\ndone\n", App.AssertRuns(Path.Combine(output, "App")));
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
