using System.IO;
using System.Linq;
using System.Reflection;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Checks that the tests which scenarios.md names exist.</summary>
public sealed partial class ScenarioTests
{
    [Fact]
    public void The_page_names_tests_that_exist()
    {
        string page = File.ReadAllText(Path.Combine(PublicApiTests.Root, "tests", "Mood.Event.AspNetCore.Tests", "scenarios.md"));
        string[] named = [.. Test().Matches(page).Select(m => m.Groups[1].Value).Distinct()];
        string[] tests = [.. typeof(ScenarioTests).Assembly.GetTypes()
            .Where(t => t.Name.EndsWith("Tests", System.StringComparison.Ordinal) && t != typeof(ScenarioTests) && t != typeof(PublicApiTests))
            .SelectMany(t => t.GetMethods().Where(m => m.IsDefined(typeof(FactAttribute))).Select(m => $"{t.Name}.{m.Name}"))];
        Assert.InRange(named.Length, 50, int.MaxValue);
        Assert.Empty(named.Except(tests));
    }

    [GeneratedRegex("`(\\w+Tests\\.\\w+)`")]
    private static partial Regex Test();
}
