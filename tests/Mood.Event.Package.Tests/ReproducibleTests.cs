using System;
using System.IO;
using System.IO.Compression;
using System.Linq;
using System.Reflection.Metadata;
using System.Text;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>The same sources make the same assembly in another directory, and the symbols link to the sources of this commit.</summary>
[Collection(PackageGroup.Name)]
public sealed class ReproducibleTests(PackageFixture package)
{
    private const string Framework = "net8.0";

    private static readonly Guid s_sourceLink = new("CC110556-A091-4D38-9FEC-25AB9A351A6A"); // a constant of the portable PDB format

    [Fact]
    public void A_build_in_another_directory_has_the_same_bytes_and_its_symbols_link_to_the_sources()
    {
        if (!Command.IsHere("git") || !Path.Exists(Path.Combine(Place.Repository, ".git")))
        {
            Console.WriteLine("This is not a git repository. The test of a build in another directory is skipped.");
            return;
        }

        string elsewhere = Place.New("elsewhere");
        Command.Run(Place.Repository, "sh", "-c", "git ls-files -z | xargs -0 cp --parents -t \"$0\" && cp -r .git \"$0\"", elsewhere);
        Assert.Equal(Packed("dll", package.File), Build(elsewhere, "dll"));
        Assert.Equal(Packed("pdb", package.Symbols), Build(elsewhere, "pdb"));

        // The remote is now a public one. The build above had another remote or none, and must not warn about that.
        Command.Run(elsewhere, "sh", "-c", "git remote | xargs -r -n 1 git remote remove; git remote add origin https://github.com/someone/mood-event.git");
        string commit = Command.Run(elsewhere, "git", "rev-parse", "HEAD").Trim();
        Assert.Equal(
            $$$"""{"documents":{"/_/*":"https://raw.githubusercontent.com/someone/mood-event/{{{commit}}}/*"}}""", SourceLink(Build(elsewhere, "pdb")));
    }

    private static byte[] Build(string directory, string what)
    {
        string artifacts = Path.Combine(Place.Root, "elsewhere-artifacts");
        string log = Command.Run(
            directory, "dotnet", "build", Path.Combine("src", "Mood.Event"), "-c", "Release", "-f", Framework, "-v", "minimal", $"-p:ArtifactsPath={artifacts}");
        Assert.DoesNotMatch(@"\bwarning( \w+)?:", log);
        return File.ReadAllBytes(Path.Combine(artifacts, "bin", "Mood.Event", "release_" + Framework, "Mood.Event." + what));
    }

    private static byte[] Packed(string what, string file)
    {
        using ZipArchive archive = ZipFile.OpenRead(file);
        using Stream entry = archive.GetEntry($"lib/{Framework}/Mood.Event.{what}")!.Open();
        using var content = new MemoryStream();
        entry.CopyTo(content);
        return content.ToArray();
    }

    private static string? SourceLink(byte[] pdb)
    {
        using var stream = new MemoryStream(pdb);
        using MetadataReaderProvider provider = MetadataReaderProvider.FromPortablePdbStream(stream);
        MetadataReader reader = provider.GetMetadataReader();
        return reader.GetCustomDebugInformation(EntityHandle.ModuleDefinition).Select(reader.GetCustomDebugInformation)
            .Where(i => reader.GetGuid(i.Kind) == s_sourceLink).Select(i => Encoding.UTF8.GetString(reader.GetBlobBytes(i.Value))).SingleOrDefault();
    }
}
