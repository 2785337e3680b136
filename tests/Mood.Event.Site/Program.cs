using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Reflection;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Mood.Event.Site;

/// <summary>
/// Makes the documentation site in artifacts/docs. The directory pages/ has the Markdown of the repository and of the XML
/// documentation, and site/ has the HTML that VitePress makes of it. The packages of npm are installed in artifacts/docs too, so
/// that the repository stays clean.
/// </summary>
internal static partial class Program
{
    private static readonly string s_root = Path.GetFullPath(typeof(Program).Assembly
        .GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == "RepositoryRoot").Value!);

    private static int Main(string[] args)
    {
        if (args is not ([] or ["--check"]))
        {
            Console.Error.WriteLine("docs: the only argument is --check");
            return 2;
        }

        string work = Path.Combine(s_root, "artifacts", "docs");
        string settings = Path.Combine(work, ".vitepress");
        string pages = Path.Combine(work, "pages");

        foreach (string old in new[] { pages, settings, Path.Combine(work, "site") }.Where(Directory.Exists))
        {
            Directory.Delete(old, recursive: true);
        }

        object[] sidebar = WritePages(pages);

        foreach (string file in Tracked("docs/.vitepress"))
        {
            string copy = Path.Combine(file.Contains("package", StringComparison.Ordinal) ? work : settings, file["docs/.vitepress/".Length..]);
            Directory.CreateDirectory(Path.GetDirectoryName(copy)!);
            File.Copy(Path.Combine(s_root, file), copy, overwrite: true);
        }

        File.WriteAllText(Path.Combine(settings, "sidebar.json"), JsonSerializer.Serialize(sidebar));
        string npm = OperatingSystem.IsWindows() ? "npm.cmd" : "npm";
        Run(work, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error");
        Run(work, npm, "exec", "--offline", "--", "vitepress", "build", ".");
        Console.WriteLine($"The site is in {Path.GetRelativePath(s_root, Path.Combine(work, "site"))}.");

        if (args is ["--check"])
        {
            Run(work, "node", Path.Combine(settings, "check.mjs"), Path.Combine(work, "site"));
        }

        return 0;
    }

    /// <summary>Writes the pages. Returns the groups of the sidebar.</summary>
    private static object[] WritePages(string output)
    {
        string[] tracked = Tracked(".");
        var pages = new Pages(s_root, output, tracked);
        var api = new ApiPages([typeof(Loop).Assembly, typeof(LoopHealthCheck).Assembly, typeof(LoopTransportOptions).Assembly]);
        string[] files = [.. tracked.Where(Pages.IsPage)];
        Dictionary<string, string> pageOf = PagesOfTypes(pages, files);

        foreach (string file in files)
        {
            string[] links = [.. api.Types.Where(t => pageOf.GetValueOrDefault(ApiPages.Title(t)) == file)
                .Select(t => $"[`{ApiPages.Title(t)}`](./api/{ApiPages.FileOf(t)})")];
            pages.WritePage(file, links.Length == 0 ? "" : $"\n## API\n\nEvery declaration with its exceptions: {string.Join(", ", links)}\n");
        }

        foreach (Type type in api.Types)
        {
            string? page = pageOf.GetValueOrDefault(ApiPages.Title(type));
            pages.Write($"reference/api/{ApiPages.FileOf(type)}", api.Page(type, page is null ? null : Path.GetFileName(page)));
        }

        string[] samples = [.. tracked.Where(f => f.StartsWith("docs/samples/", StringComparison.Ordinal)).Select(f => f.Split('/'))
            .Where(f => f.Length > 3).Select(f => f[2]).Distinct()];
        string[] order = Pages.LinkedFrom(pages.Read("docs/index.md"), "docs/index.md");
        string[] guide = Below("guide");
        string[] design = Below("design");
        samples.ToList().ForEach(pages.WriteSample);
        pages.Write("reference/api/index.md", api.Index());
        pages.WriteList("guide/index.md", "Guide", guide);
        pages.WriteList("design/index.md", "Design", design);
        pages.Write("samples/index.md", "# Samples\n\n" + string.Concat(samples.Select(s => $"- [{s}](./{s}.md)\n")));
        pages.WriteSources();
        pages.CopyPictures();

        return
        [
            Group("Start", false, [Item("Overview", "index.md"), Item("All documents", "documents.md"), .. Items(["docs/changelog.md"]), Item("Contributing", "contributing.md")]),
            Group("Guide", false, Items(guide)),
            Group("Reference", false, Items(["docs/reference/index.md", .. Pages.LinkedFrom(pages.Read("docs/reference/index.md"), "docs/reference/index.md")])),
            Group("API", true, [Item("Types", "reference/api/index.md"), .. api.Types.Select(t => Item(ApiPages.Title(t), $"reference/api/{ApiPages.FileOf(t)}"))]),
            Group("Samples", true, [.. samples.Select(s => Item(s, $"samples/{s}.md"))]),
            Group("Design", true, Items(design)),
            Group("Benchmarks", true, Items([.. files.Where(f => f.StartsWith("docs/benchmarks", StringComparison.Ordinal))])),
        ];

        string[] Below(string directory) => [.. order.Where(f => f.StartsWith($"docs/{directory}/", StringComparison.Ordinal))];
        object[] Items(string[] these) => [.. these.Select(f => Item(pages.Title(f), Pages.Place(f)))];
    }

    /// <summary>The pages of the reference by type. A heading of the first level begins the section of a type.</summary>
    private static Dictionary<string, string> PagesOfTypes(Pages pages, string[] files)
    {
        var found = new Dictionary<string, string>(StringComparer.Ordinal);

        foreach (string file in files.Where(f => f.StartsWith("docs/reference/", StringComparison.Ordinal)))
        {
            foreach (Match name in Headings().Matches(pages.Read(file)).SelectMany(h => Names().Matches(WebUtility.HtmlDecode(h.Groups[1].Value).Split(':')[0])))
            {
                found.TryAdd(name.Value, file);
            }
        }

        return found;
    }

    private static object Group(string text, bool collapsed, object[] items) => new { text, collapsed, items };

    private static object Item(string text, string place) => new { text = WebUtility.HtmlEncode(text), link = "/" + place };

    private static string[] Tracked(string where) =>
        [.. Run(s_root, "git", "-c", "safe.directory=*", "ls-files", "-z", where).Split('\0', StringSplitOptions.RemoveEmptyEntries).Where(f => File.Exists(Path.Combine(s_root, f)))];

    /// <summary>
    /// Runs a program, which must succeed. Returns the output of git. The output of other programs goes to the console.
    /// </summary>
    private static string Run(string directory, string program, params string[] arguments)
    {
        bool isRead = program == "git";
        var start = new ProcessStartInfo(program, arguments) { WorkingDirectory = directory, RedirectStandardOutput = isRead };
        using Process process = Process.Start(start)!;
        string output = isRead ? process.StandardOutput.ReadToEnd() : "";
        process.WaitForExit();

        if (process.ExitCode != 0)
        {
            Console.Error.WriteLine($"docs: {program} {string.Join(' ', arguments)}: exit code {process.ExitCode}");
            Environment.Exit(1);
        }

        return output;
    }

    [GeneratedRegex(@"^# (.*)$", RegexOptions.Multiline)]
    private static partial Regex Headings();

    [GeneratedRegex(@"[\w<>]+")]
    private static partial Regex Names();
}
