using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The pages of docs. The project Mood.Event.Pages compiles the code of docs/reference and of most pages of docs/guide. Each
/// program of a page runs here in a process of its own, and must write what the page says. GuideTests has the other pages.
/// </summary>
public sealed partial class ReferenceTests
{
    private static readonly string s_pages = Path.Combine(AppContext.BaseDirectory, "pages", "Mood.Event.Pages.dll");

    private static string[] CompiledPages => [.. Pages.Where(p => CompiledPath().IsMatch(p) && !GuideTests.HasSource(p))];

    public static TheoryData<string> PagesWithPrograms => new(CompiledPages.Where(p => Block().Matches(Repository.Read(p)).Any(IsProgram)));

    public static TheoryData<string> AllPages => new(Pages);

    private static IEnumerable<string> Pages =>
        Repository.TrackedFiles.Where(f => (f.StartsWith("docs/", StringComparison.Ordinal) || f == "README.md") && f.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Every_block_of_code_is_compiled()
    {
        string[] expected = [.. CompiledPages.SelectMany(p => Block().Matches(Repository.Read(p)).Select((_, i) => $"{Name(p)} {i + 1}"))];
        string[] compiled = Repository.Run(Environment.ProcessPath!, s_pages, "list").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.InRange(expected.Length, 30, int.MaxValue);
        Assert.Empty(expected.Except(compiled));
        Assert.Empty(compiled.Except(expected));
    }

    [Theory]
    [MemberData(nameof(PagesWithPrograms))]
    public void The_programs_of_a_page_write_what_the_page_says(string page)
    {
        int number = 0;

        foreach (Match block in Block().Matches(Repository.Read(page)))
        {
            number++;

            if (IsProgram(block))
            {
                (int exitCode, string output, string error) =
                    Repository.TryRun("timeout", "60", Environment.ProcessPath!, s_pages, Name(page), $"{number}");
                Assert.Equal((0, block.Groups[3].Value, ""), (exitCode, output, error));
            }
        }
    }

    /// <summary>
    /// The section of a class begins with its heading of the first level, which may be in the middle of a page, and ends before
    /// the next such heading. It names each member of the class in code.
    /// </summary>
    [Theory]
    [InlineData("tests/Mood.Event.Tests/Project/PublicApi.txt")]
    [InlineData("tests/Mood.Event.Hosting.Tests/PublicApi.txt")]
    [InlineData("tests/Mood.Event.AspNetCore.Tests/PublicApi.txt")]
    public void Every_public_member_is_in_the_section_of_its_class(string api)
    {
        Dictionary<string, string> sections = Sections();
        string[] lines = Repository.Read(api).Split('\n', StringSplitOptions.RemoveEmptyEntries);
        string[] missing = [.. lines.SelectMany(line => Names(line).Where(name => !Has(sections, TypeOf(line), name)).Select(name => $"{line}: {name}"))];
        Assert.InRange(lines.Length, 5, int.MaxValue);
        Assert.True(missing.Length == 0, string.Join("\n", missing));
    }

    [Theory]
    [MemberData(nameof(AllPages))]
    public void Every_link_resolves(string page)
    {
        string directory = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        string text = WithoutCode().Replace(Repository.Read(page), "");
        Assert.All(Link().Matches(text).Select(m => m.Groups[1].Value), target =>
        {
            string[] parts = target.Split('#');
            string path = parts[0].Length == 0 ? Path.Combine(Repository.Root, page) : Path.GetFullPath(Path.Combine(directory, parts[0]));
            Assert.True(Path.Exists(path), $"{page}: {target}");

            if (parts.Length > 1 && path.EndsWith(".md", StringComparison.Ordinal))
            {
                Assert.Contains(parts[1], Anchors(File.ReadAllText(path)), StringComparer.OrdinalIgnoreCase);
            }
        });
    }

    [Theory]
    [InlineData("docs/reference", "docs/reference/index.md")]
    [InlineData("docs/guide", "docs/index.md")]
    public void Every_page_is_in_the_index(string directory, string index)
    {
        string text = Repository.Read(index);
        Assert.All(
            Pages.Where(p => Path.GetDirectoryName(p) == directory && p != index),
            page => Assert.Contains($"{Path.GetFileName(page)}", text, StringComparison.Ordinal));
    }

    private static bool IsProgram(Match block) => block.Groups[2].Success;

    private static string Name(string page) => page["docs/".Length..^".md".Length];

    private static Dictionary<string, string> Sections()
    {
        var sections = new Dictionary<string, string>(StringComparer.Ordinal);

        foreach (string page in Pages.Where(p => p.StartsWith("docs/reference/", StringComparison.Ordinal)))
        {
            foreach (Match section in Section().Matches(WithoutCode().Replace(Repository.Read(page), "")))
            {
                // The titles "Loop: looking inside" and "LoopOptions" begin sections of the classes Loop and LoopOptions.
                foreach (string name in Regex.Matches(WebUtility.HtmlDecode(section.Groups[1].Value).Split(':')[0], @"[\w<>]+").Select(m => m.Value))
                {
                    sections[name] = sections.GetValueOrDefault(name, "") + section.Value;
                }
            }
        }

        return sections;
    }

    private static string TypeOf(string line) => line[..line.IndexOfAny(['.', ':'])];

    // The names of the member and of its parameters. The line of a type has no member, so its name is that of the type.
    private static IEnumerable<string> Names(string line)
    {
        string plain = line;

        // Type arguments are removed first, because they may contain commas.
        while (TypeArguments().IsMatch(plain))
        {
            plain = TypeArguments().Replace(plain, "");
        }

        Match member = Member().Match(plain);

        if (!member.Success)
        {
            return [TypeOf(line)];
        }

        string name = member.Groups[1].Value == "new" ? $"new {TypeOf(line)}" : member.Groups[1].Value;
        return member.Groups[2].Value.Split(", ").Select(p => p.Split(" = ")[0].Split(' ')[^1]).Where(p => p.Length > 0).Append(name);
    }

    // The section of a type need not repeat the name of the type in code.
    private static bool Has(Dictionary<string, string> sections, string type, string name) =>
        sections.TryGetValue(type, out string? text) &&
        Code().Matches(text).Any(code => Regex.IsMatch(code.Groups[1].Value, $@"(?<!\w){Regex.Escape(name)}(?!\w)"))
        || (sections.ContainsKey(type) && name == type);

    private static IEnumerable<string> Anchors(string text) => Heading().Matches(WithoutCode().Replace(text, ""))
        .Select(m => Regex.Replace(m.Groups[1].Value.Trim().Replace(' ', '-'), @"[^\w-]", ""));

    [GeneratedRegex(@"^```csharp\n(.*?)^```\n(\n```text\n(.*?)^```$)?", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^docs/(reference|guide)/[\w-]+\.md$")]
    private static partial Regex CompiledPath();

    [GeneratedRegex(@"^# (.*?)$.*?(?=^# |\z)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Section();

    [GeneratedRegex(@"^#+ (.*)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"^\w+\.(?:static |event )?(\w+)(?:\((.*)\))?")]
    private static partial Regex Member();

    [GeneratedRegex(@"<[^<>]*>")]
    private static partial Regex TypeArguments();

    [GeneratedRegex(@"`([^`\n]+)`")]
    private static partial Regex Code();

    [GeneratedRegex(@"^```.*?^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex WithoutCode();

    [GeneratedRegex(@"\]\((?!https?:|mailto:)([^)\s]+)\)")]
    private static partial Regex Link();
}
