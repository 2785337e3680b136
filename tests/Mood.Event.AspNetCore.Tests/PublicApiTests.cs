using System.IO;
using System.Linq;
using System.Reflection;
using Mood.Event.Tests;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>
/// The public API of Mood.Event.AspNetCore is the one in PublicApi.txt. PublicApiTests in Mood.Event.Tests says how to accept a change.
/// </summary>
public sealed class PublicApiTests
{
    internal static readonly string Root = typeof(PublicApiTests).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!;

    [Fact]
    public void The_public_api_is_the_one_in_PublicApi_txt() => PublicApi.AssertIsFile(
        Path.Combine(Root, "tests", "Mood.Event.AspNetCore.Tests", "PublicApi.txt"), PublicApi.Of(typeof(LoopTransportOptions).Assembly));
}
