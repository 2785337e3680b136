using System;
using System.Collections.Generic;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection.Metadata;
using System.Runtime.InteropServices;
using System.Text;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The contents of the package.</summary>
[Collection(PackageGroup.Name)]
public sealed class ContentTests(PackageFixture package)
{
    private static readonly string[] s_platforms =
    [
        "linux-arm/native/libmood_event.so", "linux-arm64/native/libmood_event.so", "linux-musl-arm64/native/libmood_event.so",
        "linux-musl-x64/native/libmood_event.so", "linux-x64/native/libmood_event.so", "osx-arm64/native/libmood_event.dylib",
        "osx-x64/native/libmood_event.dylib", "win-arm64/native/mood_event.dll", "win-x64/native/mood_event.dll",
    ];

    [Fact]
    public void The_package_has_exactly_the_expected_files()
    {
        string[] files =
        [
            "Mood.Event.nuspec", "README.md", "THIRD-PARTY-NOTICES", "buildTransitive/net462/Mood.Event.targets", "icon.png",
            "lib/net8.0/Mood.Event.dll", "lib/net8.0/Mood.Event.xml", "lib/netstandard2.0/Mood.Event.dll", "lib/netstandard2.0/Mood.Event.xml",
            .. package.AllNatives ? s_platforms.Select(p => "runtimes/" + p)
                : [$"runtimes/{RuntimeInformation.RuntimeIdentifier}/native/{Path.GetFileName(package.Native(RuntimeInformation.RuntimeIdentifier))}"],
        ];
        string[] found = [.. Entries(package.File).Where(e => !e.StartsWith("_rels/", StringComparison.Ordinal)
            && !e.StartsWith("package/", StringComparison.Ordinal) && e != "[Content_Types].xml")];
        Assert.Equal(files.Order(StringComparer.Ordinal), found.Order(StringComparer.Ordinal));
        Assert.Equal(
            ["lib/net8.0/Mood.Event.pdb", "lib/netstandard2.0/Mood.Event.pdb"],
            Entries(package.Symbols).Where(e => e.EndsWith(".pdb", StringComparison.Ordinal)).Order(StringComparer.Ordinal));
    }

    [Fact]
    public void The_package_is_small()
    {
        long size = new FileInfo(package.File).Length;
        Console.WriteLine($"{Path.GetFileName(package.File)}: {size} bytes");
        Assert.InRange(size, 1, 2_000_000);
    }

    [Fact]
    public void The_metadata_is_complete()
    {
        XElement metadata = XDocument.Load(Path.Combine(package.Content, "Mood.Event.nuspec")).Root!.Elements().First();
        XElement Get(string name) => metadata.Elements().Single(e => e.Name.LocalName == name);
        Assert.Equal("Mood.Event", Get("id").Value);
        Assert.Equal("MIT", Get("license").Value);
        Assert.Equal("expression", Get("license").Attribute("type")!.Value);
        Assert.Equal("README.md", Get("readme").Value);
        Assert.Equal("icon.png", Get("icon").Value);
        Assert.NotEmpty(Get("description").Value);
        Assert.Equal("git", Get("repository").Attribute("type")!.Value);
        Assert.Matches("^[0-9a-f]{40}$", Get("repository").Attribute("commit")!.Value);

        // The version comes from the property Version in Directory.Build.props.
        Assert.Equal(XDocument.Load(Path.Combine(Place.Repository, "Directory.Build.props")).Descendants("Version").Single().Value, Get("version").Value);

        Dictionary<string, string[]> dependencies = Get("dependencies").Elements().ToDictionary(
            g => g.Attribute("targetFramework")!.Value, g => g.Elements().Select(d => d.Attribute("id")!.Value).ToArray());
        Assert.Empty(dependencies["net8.0"]);
        Assert.Equal(["System.Memory"], dependencies[".NETStandard2.0"]);
    }

    [Fact]
    public void The_package_has_the_license_of_libev()
    {
        string notices = File.ReadAllText(Path.Combine(package.Content, "THIRD-PARTY-NOTICES"));
        string libev = Command.Run(Place.Repository, "sh", Path.Combine("native", "build", "fetch.sh")).Trim();
        string license = File.ReadAllText(Path.Combine(libev, "LICENSE"));
        Assert.Contains(license[..license.IndexOf("Alternatively", StringComparison.Ordinal)].Trim(), notices, StringComparison.Ordinal);
    }

    [Fact]
    public void The_package_has_the_license_of_wepoll()
    {
        string wepoll = Command.Run(Place.Repository, "sh", Path.Combine("native", "build", "fetch.sh"), "wepoll").Trim();
        IEnumerable<string> license = File.ReadLines(Path.Combine(wepoll, "wepoll.c")).TakeWhile(l => !l.Contains("*/", StringComparison.Ordinal)).Skip(1);
        Assert.Contains("OF THE POSSIBILITY OF SUCH DAMAGE", license.Last(), StringComparison.Ordinal);
        Assert.Contains(Plain(license), Plain(File.ReadLines(Path.Combine(package.Content, "THIRD-PARTY-NOTICES"))), StringComparison.Ordinal);

        static string Plain(IEnumerable<string> lines) => string.Join('\n', lines.Select(l => l.Trim(' ', '*')));
    }

    [Theory]
    [InlineData("net8.0")]
    [InlineData("netstandard2.0")]
    public void Symbols_name_sources_by_their_place_in_the_repository(string framework)
    {
        using ZipArchive symbols = ZipFile.OpenRead(package.Symbols);
        using var pdb = new MemoryStream();
        using (Stream entry = symbols.GetEntry($"lib/{framework}/Mood.Event.pdb")!.Open())
        {
            entry.CopyTo(pdb);
        }

        pdb.Position = 0;
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(pdb);
        MetadataReader reader = provider.GetMetadataReader();
        string[] sources = [.. reader.Documents.Select(d => reader.GetString(reader.GetDocument(d).Name))];
        Assert.Contains(sources, s => s.EndsWith("/src/Mood.Event/Loop/Loop.cs", StringComparison.Ordinal));
        Assert.All(sources, s => Assert.StartsWith("/_", s, StringComparison.Ordinal));
    }

    [Fact]
    public void No_file_names_the_machine_that_built_it()
    {
        byte[][] places = [.. new[] { Place.Repository.TrimEnd('/'), Place.Root }.SelectMany(p => new[] { Encoding.UTF8.GetBytes(p), Encoding.Unicode.GetBytes(p) })];

        // This needs zig. Without zig the package has the library that this machine's compiler built, whose debug information names the
        // machine.
        Assert.All(Directory.GetFiles(package.Content, "*", SearchOption.AllDirectories), f =>
        {
            byte[] content = File.ReadAllBytes(f);
            Assert.All(places, p => Assert.Equal(-1, content.AsSpan().IndexOf(p)));
        });
    }

    private static string[] Entries(string file)
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        return [.. archive.Entries.Select(e => e.FullName)];
    }
}
