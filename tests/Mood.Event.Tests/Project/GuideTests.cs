using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The C# code of README.md and of the pages of docs/guide that have a source file is compiled and run. Each block of a page is
/// in its source word for word, except for the indentation. SourceOf tells where: docs/guide/x.md has Guide/XGuide.cs.
/// ReferenceTests has the other pages.
/// </summary>
public sealed partial class GuideTests
{
    public static TheoryData<string> Pages => new(Repository.TrackedFiles.Where(f => PagePath().IsMatch(f) && HasSource(f)));

    /// <summary>
    /// Whether the page's code is in a source file. The project Mood.Event.Pages compiles the code of all other pages.
    /// </summary>
    internal static bool HasSource(string page) => page == "README.md" || page.StartsWith("docs/guide/", StringComparison.Ordinal) && File.Exists(Path.Combine(Repository.Root, SourceOf(page)));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_block_of_code_is_in_the_source_that_is_compiled(string page)
    {
        string source = SourceOf(page);
        string[] code = Lines(Repository.Read(source));
        string[][] blocks = [.. Block().Matches(Repository.Read(page)).Select(m => Lines(m.Groups[1].Value))];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block =>
        {
            // A whole program begins with its using directives. The source has them at its top, and needs no `using Mood.Event`,
            // because its namespace is below Mood.Event.
            string[] directives = [.. block.TakeWhile(line => UsingDirective().IsMatch(line))];
            Assert.Empty(directives.Except(code).Except(["using Mood.Event;"]));
            string[] statements = [.. block.Skip(directives.Length).SkipWhile(line => line.Length == 0)];
            Assert.True(IsIn(statements, code), $"{page}: this is not in {source}:\n{string.Join('\n', statements)}");
        });
    }

    // A block may call functions that the page does not show. The source has them.
    [Theory]
    [MemberData(nameof(Pages))]
    public void A_page_of_the_guide_links_to_the_source_of_its_code(string page)
    {
        if (page != "README.md") // its blocks are whole programs, or show one call
        {
            Assert.Contains($"](../../{SourceOf(page)})", Repository.Read(page), StringComparison.Ordinal);
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_link_leads_to_a_file(string page)
    {
        string directory = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        Assert.DoesNotContain(
            Link().Matches(Repository.Read(page)).Select(link => link.Groups[1].Value), target => !Path.Exists(Path.Combine(directory, target)));
    }

    private static string SourceOf(string page)
    {
        string name = Path.GetFileNameWithoutExtension(page);
        return page == "README.md"
            ? "tests/Mood.Event.Host/ReadmeScenarios.cs"
            : page == "docs/guide/hosting.md" ? "tests/Mood.Event.Hosting.Tests/HostingGuide.cs"
            : page == "docs/guide/aspnetcore.md" ? "tests/Mood.Event.AspNetCore.Tests/AspnetcoreGuide.cs"
            : $"tests/Mood.Event.Tests/Project/Guide/{char.ToUpper(name[0], CultureInfo.InvariantCulture)}{name[1..]}Guide.cs";
    }

    private static string[] Lines(string text) => [.. text.TrimEnd().Split('\n').Select(l => l.TrimEnd())];

    /// <summary>Whether the code contains the block's lines in sequence, all indented by the same additional width.</summary>
    private static bool IsIn(string[] block, string[] code)
    {
        for (int start = 0; start + block.Length <= code.Length; start++)
        {
            int width = code[start].Length - code[start].TrimStart().Length - (block[0].Length - block[0].TrimStart().Length);

            if (width >= 0 && Enumerable.Range(0, block.Length).All(i => code[start + i] == Moved(block[i], width)))
            {
                return true;
            }
        }

        return false;

        static string Moved(string line, int width) => line.Length == 0 ? line : new string(' ', width) + line;
    }

    [GeneratedRegex(@"^```csharp\n(.*?)^```", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Block();

    [GeneratedRegex(@"^(README|docs/guide/[\w-]+)\.md$")]
    private static partial Regex PagePath();

    [GeneratedRegex(@"^using [\w.]+;$")]
    private static partial Regex UsingDirective();

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)[^)]*\)")]
    private static partial Regex Link();
}
