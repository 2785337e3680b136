using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The package, made once by ./build.sh pack, with nothing of it in the repository's own artifacts.</summary>
public sealed class PackageFixture : IDisposable
{
    public PackageFixture()
    {
        string artifacts = Place.New("artifacts");
        Log = Command.Run(Place.Repository, "sh", "build.sh", "pack", $"-p:ArtifactsPath={artifacts}");
        Feed = Path.Combine(artifacts, "package", "release");
        File = Directory.GetFiles(Feed, "*.nupkg").Single();
        Symbols = Directory.GetFiles(Feed, "*.snupkg").Single();
        Version = Path.GetFileNameWithoutExtension(File)["Mood.Event.".Length..];
        Content = Path.Combine(Place.Root, "content");
        ZipFile.ExtractToDirectory(File, Content);
        Other = new(PackOther);
        AllNatives = Command.TryRun(Place.Repository, "sh", Path.Combine("native", "zig.sh")).ExitCode == 0;

        if (!AllNatives)
        {
            Console.WriteLine("zig is not to be had: the package holds the native library of this machine only, and only that is tested.");
        }
    }

    /// <summary>The directory that serves as a feed.</summary>
    public string Feed { get; }

    public string File { get; }

    public string Symbols { get; }

    public string Version { get; }

    /// <summary>The package, unpacked.</summary>
    public string Content { get; }

    public string Log { get; }

    /// <summary>Whether it was made with zig, for every platform.</summary>
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

    /// <summary>Another version, with this machine's native library only, lies beside it: made when it is asked for.</summary>
    internal Lazy<string> Other { get; }

    /// <summary>The native library for a platform.</summary>
    internal string Native(string rid) => Directory.GetFiles(Path.Combine(Content, "runtimes", rid, "native")).Single();
}

[CollectionDefinition(Name)]
public sealed class PackageGroup : ICollectionFixture<PackageFixture>
{
    public const string Name = "package";
}
