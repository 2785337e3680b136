using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Http;
using System.Net.WebSockets;
using System.Text.Json;
using System.Threading.Tasks;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A headless Chromium with one page. Its DevTools protocol evaluates expressions in the page.</summary>
internal sealed class Browser : IDisposable
{
    private readonly Process _process;
    private readonly string _profile;
    private readonly ClientWebSocket _socket = new();
    private int _lastId;

    private Browser(Process process, string profile) => (_process, _profile) = (process, profile);

    /// <param name="path">The path of the browser.</param>
    /// <param name="url">The address of the page, whose certificate may be self-signed.</param>
    public static async Task<Browser> OpenAsync(string path, string url)
    {
        string profile = Directory.CreateTempSubdirectory("mood-event-browser-").FullName;

        // Chromium refuses to run as root with its sandbox. The page is safe, because it is a page of these tests.
        var start = new ProcessStartInfo(path, [
            "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--ignore-certificate-errors",
            "--remote-debugging-port=0", "--user-data-dir=" + profile, url])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var browser = new Browser(Process.Start(start)!, profile);

        try
        {
            await browser.ConnectAsync();
            return browser;
        }
        catch
        {
            browser.Dispose();
            throw;
        }
    }

    /// <summary>Evaluates an expression of JavaScript and returns its value.</summary>
    public async Task<string> EvaluateAsync(string expression)
    {
        int id = ++_lastId;
        byte[] call = JsonSerializer.SerializeToUtf8Bytes(new { id, method = "Runtime.evaluate", @params = new { expression, returnByValue = true } });
        await _socket.SendAsync(call, WebSocketMessageType.Text, endOfMessage: true, default);

        while (true)
        {
            using JsonDocument message = await ReceiveAsync();

            if (message.RootElement.TryGetProperty("id", out JsonElement answered) && answered.GetInt32() == id)
            {
                JsonElement result = message.RootElement.GetProperty("result").GetProperty("result");
                return result.TryGetProperty("value", out JsonElement value) ? value.ToString() : "";
            }
        }
    }

    /// <summary>Waits until an expression has the expected value.</summary>
    public async Task UntilAsync(string expression, string expected)
    {
        string value = "";

        for (var watch = Stopwatch.StartNew(); watch.Elapsed < TimeSpan.FromSeconds(30); await Task.Delay(50))
        {
            value = await EvaluateAsync(expression);

            if (value == expected)
            {
                return;
            }
        }

        throw new TimeoutException($"{expression} is '{value}', not '{expected}'.");
    }

    public void Dispose()
    {
        _socket.Dispose();
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();

        try
        {
            Directory.Delete(_profile, recursive: true);
        }
        catch (IOException)
        {
            // A process of the browser that has not ended yet may still write a file. Then the directory stays.
        }
    }

    private async Task ConnectAsync()
    {
        const string Listening = "DevTools listening on ";
        string line;

        do
        {
            line = await _process.StandardError.ReadLineAsync() ?? throw new EndOfStreamException("The browser has ended.");
        }
        while (!line.StartsWith(Listening, StringComparison.Ordinal));

        _ = _process.StandardError.ReadToEndAsync(); // reads on, because the browser would block on a full pipe
        _ = _process.StandardOutput.ReadToEndAsync();
        using var client = new HttpClient();
        string list = $"http://127.0.0.1:{new Uri(line[Listening.Length..]).Port}/json/list";

        while (true)
        {
            using JsonDocument targets = JsonDocument.Parse(await client.GetStringAsync(list));
            JsonElement page = targets.RootElement.EnumerateArray().FirstOrDefault(t => t.GetProperty("type").GetString() == "page");

            if (page.ValueKind == JsonValueKind.Object)
            {
                await _socket.ConnectAsync(new Uri(page.GetProperty("webSocketDebuggerUrl").GetString()!), default);
                return;
            }

            await Task.Delay(50);
        }
    }

    private async Task<JsonDocument> ReceiveAsync()
    {
        using var message = new MemoryStream();
        byte[] buffer = new byte[16384];
        ValueWebSocketReceiveResult result;

        do
        {
            result = await _socket.ReceiveAsync(buffer.AsMemory(), default);
            message.Write(buffer, 0, result.Count);
        }
        while (!result.EndOfMessage);

        return JsonDocument.Parse(message.ToArray());
    }
}
