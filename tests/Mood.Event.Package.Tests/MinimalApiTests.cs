using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Package.Tests;

/// <summary>A project of "dotnet new web" in which one line is changed answers the same requests in the same way.</summary>
[Collection(PackageGroup.Name)]
public sealed class MinimalApiTests(PackageFixture package)
{
    private const string Build = "var app = builder.Build();", Listening = "Now listening on: ", Category = "Mood.Event.AspNetCore";

    // Inserted before the template's last line.
    private const string Routes = """
        app.MapGet("/person/{id:int}", (int id) => new { id, name = "Ada" });
        app.MapPost("/person", (Person person) => Results.Created($"/person/{person.Id}", person));
        app.MapPost("/upload", async (HttpRequest request) =>
        {
            using var copy = new MemoryStream();
            await request.Body.CopyToAsync(copy);
            return copy.Length;
        });
        app.MapGet("/stream", () => Numbers());
        app.MapGet("/large", () => new string('x', 300_000));
        app.MapGet("/cookie", (HttpContext context) => context.Response.Cookies.Append("name", "value"));
        app.MapGet("/fail", string () => throw new InvalidOperationException("on purpose"));

        static async IAsyncEnumerable<int> Numbers()
        {
            for (int i = 0; i < 100; i++)
            {
                await Task.Yield();
                yield return i;
            }
        }

        app.Run();

        record Person(int Id, string Name);
        """;

    [Fact]
    public async Task The_line_with_UseMoodEvent_is_the_only_change()
    {
        string directory = Place.New("minimal-api"), program = Path.Combine(directory, "Program.cs");
        File.WriteAllText(Path.Combine(directory, "Directory.Build.props"), "<Project />");
        File.WriteAllText(Path.Combine(directory, "Directory.Build.targets"), "<Project />");
        File.WriteAllText(Path.Combine(directory, "nuget.config"), $"""
            <configuration>
              <packageSources>
                <add key="mood-event" value="{package.Feed}" />
              </packageSources>
            </configuration>
            """);
        Command.Run(directory, "dotnet", "new", "web", "-n", "Api", "-o", ".", "--no-restore");
        string code = File.ReadAllText(program);
        Assert.Contains(Build, code, StringComparison.Ordinal);
        code = code.Replace("app.Run();", Routes, StringComparison.Ordinal);
        File.WriteAllText(program, code);
        (string before, string logBefore) = await AskAsync(directory, "before");

        Command.Run(directory, "dotnet", "add", "package", "Mood.Event.AspNetCore", "--version", package.Version, "--no-restore");
        File.WriteAllText(program, code.Replace(Build, "builder.WebHost.UseMoodEvent();\n" + Build, StringComparison.Ordinal));
        (string after, string logAfter) = await AskAsync(directory, "after");

        Assert.Contains("200 OK", before, StringComparison.Ordinal);
        Assert.Equal(before, after);
        Assert.DoesNotContain(Category, logBefore, StringComparison.Ordinal);
        Assert.Contains(Category, logAfter, StringComparison.Ordinal);
    }

    /// <summary>Builds and starts the project, and returns its answers and its log.</summary>
    private static async Task<(string Answers, string Log)> AskAsync(string directory, string output)
    {
        Command.Run(directory, "dotnet", "build", "-c", "Release", "-v", "minimal", "-p:NuGetAudit=false", "-o", Path.Combine(directory, "out", output));
        var start = new ProcessStartInfo(Path.Combine(directory, "out", output, "Api"), ["--urls", "http://127.0.0.1:0", "--contentRoot", directory])
        {
            RedirectStandardOutput = true,
            Environment = { [$"Logging__LogLevel__{Category}"] = "Debug" },
        };
        using Process process = Process.Start(start)!;
        var log = new StringBuilder();

        try
        {
            string line;

            do
            {
                line = await process.StandardOutput.ReadLineAsync() ?? throw new EndOfStreamException(log.ToString());
                log.Append(line).Append('\n');
            }
            while (!line.Contains(Listening, StringComparison.Ordinal));

            Task<string> rest = process.StandardOutput.ReadToEndAsync();
            string answers = await AskAsync(new Uri(line[(line.IndexOf(Listening, StringComparison.Ordinal) + Listening.Length)..]));
            using Process kill = Process.Start("sh", ["-c", $"kill -s TERM {process.Id}"]);
            log.Append(await rest);
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            return (answers, log.ToString());
        }
        finally
        {
            process.Kill();
        }
    }

    private static async Task<string> AskAsync(Uri address)
    {
        var text = new StringBuilder();
        using var client = new HttpClient { BaseAddress = address };

        foreach ((HttpMethod method, string path, HttpContent? content) in new (HttpMethod, string, HttpContent?)[]
        {
            (HttpMethod.Get, "/", null),
            (HttpMethod.Head, "/", null),
            (HttpMethod.Get, "/person/7", null),
            (HttpMethod.Get, "/person/none", null),
            (HttpMethod.Post, "/person", new StringContent("""{"id":3,"name":"Grace"}""", Encoding.UTF8, "application/json")),
            (HttpMethod.Post, "/person", new StringContent("no json", Encoding.UTF8, "application/json")),
            (HttpMethod.Post, "/upload", new ByteArrayContent(new byte[3_000_000])),
            (HttpMethod.Post, "/upload", new StreamContent(new Unseekable(new byte[500_000]))),
            (HttpMethod.Get, "/stream", null),
            (HttpMethod.Get, "/large", null),
            (HttpMethod.Get, "/cookie", null),
            (HttpMethod.Delete, "/", null),
            (HttpMethod.Get, "/fail", null),
            (HttpMethod.Get, "/", null),
        })
        {
            using var request = new HttpRequestMessage(method, path) { Content = content };
            using HttpResponseMessage response = await client.SendAsync(request);
            text.Append(CultureInfo.InvariantCulture, $"{method} {path}: {(int)response.StatusCode} {response.ReasonPhrase}\n");
            string[] headers = [.. response.Headers.Concat(response.Content.Headers).Where(h => h.Key != "Date").Select(h => $"{h.Key}: {string.Join(", ", h.Value)}")];
            text.AppendJoin('\n', headers).Append('\n').Append(await response.Content.ReadAsStringAsync()).Append('\n');
        }

        return text.ToString();
    }

    /// <summary>A stream whose length is unknown, so that the body is chunked.</summary>
    private sealed class Unseekable(byte[] content) : MemoryStream(content)
    {
        public override bool CanSeek => false;
    }
}
