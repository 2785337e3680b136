using System.IO;
using System.Linq;
using System.Reflection;
using Mood.Event.Tests;
using Xunit;

namespace Mood.Event.Hosting.Tests;

/// <summary>
/// The public API of Mood.Event.Hosting is the one in PublicApi.txt. PublicApiTests in Mood.Event.Tests says how to accept a change.
/// </summary>
public sealed class PublicApiTests
{
    private static readonly string s_root = typeof(PublicApiTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    [Fact]
    public void The_public_api_is_the_one_in_PublicApi_txt() => PublicApi.AssertIsFile(
        Path.Combine(s_root, "tests", "Mood.Event.Hosting.Tests", "PublicApi.txt"), PublicApi.Of(typeof(LoopHealthCheck).Assembly));
}
