using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Xml.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The packages, which ./build.sh pack makes once for all tests. They are made in a temporary directory.</summary>
public sealed class PackageFixture : IDisposable
{
    public PackageFixture()
    {
        string artifacts = Place.New("artifacts");
        Log = Command.Run(Place.Repository, "sh", "build.sh", "pack", $"-p:ArtifactsPath={artifacts}");
        Feed = Path.Combine(artifacts, "package", "release");
        Version = XDocument.Load(Path.Combine(Place.Repository, "Directory.Build.props")).Descendants("Version").Single().Value;
        File = Path.Combine(Feed, $"Mood.Event.{Version}.nupkg");
        Symbols = Path.ChangeExtension(File, "snupkg");
        Hosting = Path.Combine(Feed, $"Mood.Event.Hosting.{Version}.nupkg");
        AspNetCore = Path.Combine(Feed, $"Mood.Event.AspNetCore.{Version}.nupkg");
        Content = Path.Combine(Place.Root, "content");
        ZipFile.ExtractToDirectory(File, Content);
        Other = new(PackOther);
        AllNatives = Command.TryRun(Place.Repository, "sh", Path.Combine("native", "build", "zig.sh")).ExitCode == 0;

        if (!AllNatives)
        {
            Console.WriteLine("zig is not available: the package has the native library of this machine only. The tests of the other platforms are skipped.");
        }
    }

    /// <summary>The directory that serves as the package source.</summary>
    public string Feed { get; }

    public string File { get; }

    public string Symbols { get; }

    /// <summary>The package Mood.Event.Hosting.</summary>
    public string Hosting { get; }

    /// <summary>The package Mood.Event.AspNetCore.</summary>
    public string AspNetCore { get; }

    public string Version { get; }

    /// <summary>The directory with the unpacked package.</summary>
    public string Content { get; }

    public string Log { get; }

    /// <summary>Whether the package has the native libraries of all platforms, which needs zig.</summary>
    public bool AllNatives { get; }

    public void Dispose() => Directory.Delete(Place.Root, recursive: true);

    private string PackOther()
    {
        string other = Version + "-other", artifacts = Place.New("other-version");
        Command.Run(
            Place.Repository, "dotnet", "pack", Path.Combine("src", "Mood.Event"), "-c", "Release", "-v", "minimal", $"-p:ArtifactsPath={artifacts}", $"-p:Version={other}");
        System.IO.File.Copy(
            Path.Combine(artifacts, "package", "release", $"Mood.Event.{other}.nupkg"), Path.Combine(Feed, $"Mood.Event.{other}.nupkg"));
        return other;
    }

    /// <summary>A package of another version, with this machine's native library only. It is made at first use.</summary>
    internal Lazy<string> Other { get; }

    /// <summary>The native library for a platform.</summary>
    internal string Native(string rid) => Directory.GetFiles(Path.Combine(Content, "runtimes", rid, "native")).Single();
}

[CollectionDefinition(Name)]
public sealed class PackageGroup : ICollectionFixture<PackageFixture>
{
    public const string Name = "package";
}
