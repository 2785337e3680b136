using System;
using System.IO;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>Several copies of Mood.Event in one process, each in a load context of its own, as plug-ins have them.</summary>
[Collection(PackageGroup.Name)]
public sealed class ContextTests(PackageFixture package, ContextTests.Programs programs) : IClassFixture<ContextTests.Programs>
{
    /// <summary>The programs that the tests share: an application, and a plug-in in two versions.</summary>
    public sealed class Programs
    {
        internal string? Host { get; set; }

        internal string? Plugin { get; set; }

        internal string? Other { get; set; }
    }

    [Fact]
    public void Two_versions_do_not_affect_each_other() => Run("apart", Plugin(), Other());

    [Fact]
    public void Two_copies_of_one_version_in_different_directories_do_not_affect_each_other()
    {
        string copy = Path.Combine(Place.New("plugin-copy"), "out");
        Command.Run(Place.Root, "cp", "-r", Path.GetDirectoryName(Plugin())!, copy);
        Run("apart", Plugin(), Path.Combine(copy, "App.dll"));
    }

    [Fact]
    public void Two_copies_that_use_one_native_library_share_the_default_loop_and_the_signals() => Run("shared", Plugin());

    [Fact]
    public void A_context_can_be_unloaded() => Run("unloaded", Plugin());

    [Fact]
    public void The_library_of_another_version_is_refused_and_the_message_names_both() => Run("astray", Other());

    private void Run(string scenario, params string[] plugins)
    {
        if (!OperatingSystem.IsLinux())
        {
            return; // the application reads /proc
        }

        programs.Host ??= Path.Combine(new App(package, "net10.0", "contexts", sources: ["Contexts"]).Build(), "App.dll");
        App.AssertRuns("dotnet", [programs.Host, scenario, .. plugins]);
    }

    private string Plugin() => programs.Plugin ??= Path.Combine(new App(package, "net10.0", "plugin").Build(), "App.dll");

    private string Other() => programs.Other ??= Path.Combine(new App(package, "net10.0", "plugin-other", version: package.Other.Value).Build(), "App.dll");
}
