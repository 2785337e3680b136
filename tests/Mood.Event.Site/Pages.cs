using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;
using System.Text.RegularExpressions;

namespace Mood.Event.Site;

/// <summary>
/// Makes the Markdown pages of the repository into pages of the site. A link to a file that is not a page leads to a page that
/// shows the file, and a link to a directory leads to a list of its files.
/// </summary>
internal sealed partial class Pages
{
    /// <summary>The pages that have another path on the site than under docs.</summary>
    private static readonly Dictionary<string, string> s_places = new(StringComparer.Ordinal)
    {
        ["README.md"] = "index.md",
        ["docs/index.md"] = "documents.md",
        [".github/CONTRIBUTING.md"] = "contributing.md",
    };

    private readonly string _root;
    private readonly string _output;
    private readonly string[] _tracked;

    /// <summary>The targets of links that have no page yet: files and directories.</summary>
    private readonly SortedSet<string> _shown = new(StringComparer.Ordinal);

    internal Pages(string root, string output, string[] tracked)
    {
        _root = root;
        _output = output;
        _tracked = tracked;
    }

    internal static bool IsPage(string file) =>
        s_places.ContainsKey(file) || (file.StartsWith("docs/", StringComparison.Ordinal) && file.EndsWith(".md", StringComparison.Ordinal));

    internal string Read(string file) => File.ReadAllText(Path.Combine(_root, file)).ReplaceLineEndings("\n");

    /// <summary>The text of a page's first heading.</summary>
    internal string Title(string file) => FirstHeading().Match(Read(file)).Groups[1].Value.Replace("`", "", StringComparison.Ordinal);

    /// <summary>The pages to which a page links, in the order of the links.</summary>
    internal static string[] LinkedFrom(string text, string page) =>
        [.. CodeOrLink().Matches(text).Where(m => m.Groups[2].Success).Select(m => Target(page, m.Groups[2].Value.Split('#')[0])).Where(IsPage).Distinct()];

    internal void Write(string place, string text)
    {
        string path = Path.Combine(_output, place);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllText(path, text);
    }

    internal void WritePage(string file, string more)
    {
        string text = Comment().Replace(Read(file), "");
        Write(Place(file), CodeOrLink().Replace(text, m => m.Groups[2].Success ? $"]({Link(file, m.Groups[2].Value)})" : m.Value) + more);
    }

    /// <summary>Writes a page that lists pages with their first sentences.</summary>
    internal void WriteList(string place, string title, IEnumerable<string> files)
    {
        IEnumerable<string> lines = files.Select(f => $"- [{Title(f)}]({Relative(place, Place(f))})");
        Write(place, $"# {title}\n\n{string.Join('\n', lines)}\n");
    }

    /// <summary>Writes a page with the sources of a sample.</summary>
    internal void WriteSample(string name)
    {
        var text = new StringBuilder($"# Sample: {name}\n\n`./build.sh demo {name}` runs it. Its files are in `docs/samples/{name}`.\n");

        foreach (string file in _tracked.Where(f => f.StartsWith($"docs/samples/{name}/", StringComparison.Ordinal))
            .OrderBy(f => !f.EndsWith("/Program.cs", StringComparison.Ordinal)).ThenBy(f => f, StringComparer.Ordinal))
        {
            text.Append(CultureInfo.InvariantCulture, $"\n## {file[$"docs/samples/{name}/".Length..]}\n\n{Fence(file)}");
        }

        Write($"samples/{name}.md", text.ToString());
    }

    /// <summary>Writes pages for the files and directories outside docs to which pages link.</summary>
    internal void WriteSources()
    {
        foreach (string path in _shown)
        {
            string[] below = [.. _tracked.Where(f => f.StartsWith(path + "/", StringComparison.Ordinal))];
            Write(Place(path), below.Length == 0
                ? $"# {path}\n\n{Fence(path)}"
                : $"# {path}\n\nThe files of this directory of the repository:\n\n```text\n{string.Join('\n', below)}\n```\n");
        }
    }

    internal void CopyPictures()
    {
        foreach (string file in _tracked.Where(IsPicture))
        {
            File.Copy(Path.Combine(_root, file), Path.Combine(_output, Place(file)), overwrite: true);
        }

        // No page refers to the icon, but config.mjs does.
        Directory.CreateDirectory(Path.Combine(_output, "public"));
        File.Move(Path.Combine(_output, "icon.png"), Path.Combine(_output, "public", "icon.png"), overwrite: true);
    }

    /// <summary>The path on the site of a file or a directory of the repository.</summary>
    internal static string Place(string path) =>
        s_places.TryGetValue(path, out string? place) ? place
        : IsPage(path) || IsPicture(path) ? path["docs/".Length..]
        : path is "docs/guide" or "docs/design" or "docs/samples" ? path["docs/".Length..] + "/index.md"
        : SampleDirectory().Match(path) is { Success: true } sample ? $"samples/{sample.Groups[1].Value}.md"
        : $"source/{path}.md";

    internal static string Relative(string from, string to)
    {
        string path = Path.GetRelativePath(Path.Combine("/", Path.GetDirectoryName(from)!), Path.Combine("/", to)).Replace('\\', '/');
        return path.StartsWith('.') ? path : "./" + path;
    }

    private static bool IsPicture(string path) =>
        path.StartsWith("docs/", StringComparison.Ordinal) && Path.GetExtension(path) is ".svg" or ".png";

    private string Link(string page, string link)
    {
        string[] parts = link.Split('#');

        if (parts[0].Length == 0)
        {
            return link;
        }

        string target = Target(page, parts[0]);
        string place = Place(target);

        if (place.StartsWith("source/", StringComparison.Ordinal))
        {
            _shown.Add(target);
        }

        return Relative(Place(page), place) + (parts.Length > 1 ? "#" + parts[1] : "");
    }

    private static string Target(string page, string link) =>
        Path.GetFullPath(Path.Combine("/", Path.GetDirectoryName(page)!, link))[1..].Replace('\\', '/').TrimEnd('/');

    private string Fence(string file)
    {
        string language = Path.GetExtension(file) switch
        {
            ".cs" => "csharp",
            ".c" or ".h" => "c",
            ".csproj" or ".props" => "xml",
            ".sh" => "sh",
            _ => "text",
        };
        return $"````{language}\n{Read(file).TrimEnd()}\n````\n";
    }

    [GeneratedRegex(@"^# (.*)$", RegexOptions.Multiline)]
    private static partial Regex FirstHeading();

    [GeneratedRegex(@"^<!--.*?-->\n", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex Comment();

    // Matches a link in text, whose target is the second group. Code is matched first, so that a link in code has no second
    // group.
    [GeneratedRegex(@"(^```.*?^```|`[^`\n]+`)|\]\((?!https?:|mailto:)([^)\s]+)\)", RegexOptions.Singleline | RegexOptions.Multiline)]
    private static partial Regex CodeOrLink();

    [GeneratedRegex(@"^docs/samples/([\w-]+)$")]
    private static partial Regex SampleDirectory();
}
