using System.IO;
using System.Linq;
using System.Reflection;

namespace Mood.Event.Package.Tests;

/// <summary>Where the tests work: outside the repository, with a packages folder of their own.</summary>
internal static class Place
{
    internal static string Repository { get; } = Path.GetFullPath(typeof(Place).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!);

    internal static string Root { get; } = Directory.CreateTempSubdirectory("mood-event-package-").FullName;

    internal static string Packages { get; } = Path.Combine(Root, "packages");

    /// <summary>A new directory.</summary>
    internal static string New(string name) => Directory.CreateDirectory(Path.Combine(Root, name)).FullName;
}
