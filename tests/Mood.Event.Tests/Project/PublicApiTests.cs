using System;
using System.IO;
using System.Reflection;
using System.Runtime.Loader;
using System.Runtime.Versioning;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The public API of both target frameworks. PublicApi.txt has one line for each member on net8.0. PublicApi.netstandard2.0.txt
/// has the difference: a member with "- " is missing on netstandard2.0, a member with "+ " exists only there. To accept a change
/// on purpose, run these tests with MOOD_EVENT_ACCEPT_API=1 in the environment. This writes both files. Commit them with the
/// change.
/// </summary>
public sealed class PublicApiTests
{
    [Fact]
    public void The_public_api_is_the_one_in_PublicApi_txt() => PublicApi.AssertIsFile(PathOf("PublicApi.txt"), PublicApi.Of(typeof(Loop).Assembly));

    [Fact]
    public void The_public_api_of_netstandard2_0_differs_as_PublicApi_netstandard2_0_txt_says()
    {
        var context = new AssemblyLoadContext("netstandard2.0", isCollectible: true);

        try
        {
            // reads metadata only, so the native library is not loaded a second time
            Assembly assembly = context.LoadFromAssemblyPath(Path.Combine(AppContext.BaseDirectory, "netstandard2.0", "Mood.Event.dll"));
            Assert.Equal(".NETStandard,Version=v2.0", assembly.GetCustomAttribute<TargetFrameworkAttribute>()?.FrameworkName);
            PublicApi.AssertIsFile(
                PathOf("PublicApi.netstandard2.0.txt"),
                PublicApi.Difference(PublicApi.Of(typeof(Loop).Assembly), PublicApi.Of(assembly)));
        }
        finally
        {
            context.Unload();
        }
    }

    private static string PathOf(string name) => Path.Combine(Repository.Root, "tests", "Mood.Event.Tests", "Project", name);
}
