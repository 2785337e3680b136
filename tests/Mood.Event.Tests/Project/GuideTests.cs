using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The code in docs/guide is code that the tests compile and run: a page x.md has Guide/XGuide.cs, and each of its C# blocks is
/// in there word for word, but for the indentation.
/// </summary>
public sealed partial class GuideTests
{
    public static TheoryData<string> Pages =>
        new(Repository.TrackedFiles.Where(f => Regex.IsMatch(f, @"^docs/guide/[\w-]+\.md$")));

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_block_of_code_is_in_the_page_s_tests(string page)
    {
        string name = Path.GetFileNameWithoutExtension(page);
        string file = $"tests/Mood.Event.Tests/Guide/{char.ToUpper(name[0], CultureInfo.InvariantCulture)}{name[1..]}Guide.cs";
        string[] code = Lines(Repository.Read(file));
        string[][] blocks = [.. Block().Matches(Repository.Read(page)).Select(m => Lines(m.Groups[1].Value))];
        Assert.NotEmpty(blocks);
        Assert.All(blocks, block => Assert.True(
            IsIn(block, code), $"{page}: this is not in {file}:\n{string.Join('\n', block)}"));
    }

    [Fact]
    public void Every_page_s_links_lead_somewhere()
    {
        List<string> dead = [];

        foreach (string page in Repository.TrackedFiles.Where(f => f.StartsWith("docs/guide/", StringComparison.Ordinal) && f.EndsWith(".md", StringComparison.Ordinal)))
        {
            foreach (Match link in Link().Matches(Repository.Read(page)))
            {
                string target = Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, link.Groups[1].Value);

                if (!Path.Exists(target))
                {
                    dead.Add($"{page}: {link.Groups[1].Value}");
                }
            }
        }

        Assert.Empty(dead);
    }

    private static string[] Lines(string text) => [.. text.TrimEnd().Split('\n').Select(l => l.TrimEnd())];

    /// <summary>Whether the lines stand there one after the other, all moved to the right by the same width.</summary>
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

    [GeneratedRegex(@"\]\((?!https?:)([^)#]+)[^)]*\)")]
    private static partial Regex Link();
}
