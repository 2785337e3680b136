using System.IO;
using System.Linq;
using System.Reflection;

namespace Mood.Event.Package.Tests;

/// <summary>The working directory of the tests. It is outside the repository, and has a packages folder of its own.</summary>
internal static class Place
{
    internal static string Repository { get; } = Path.GetFullPath(typeof(Place).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!);

    internal static string Root { get; } = Directory.CreateTempSubdirectory("mood-event-package-").FullName;

    internal static string Packages { get; } = Path.Combine(Root, "packages");

    /// <summary>Creates a new directory.</summary>
    internal static string New(string name) => Directory.CreateDirectory(Path.Combine(Root, name)).FullName;
}
