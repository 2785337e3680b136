using System;
using System.Diagnostics;
using System.IO;
using System.Net.Http;
using System.Net.WebSockets;
using System.Text;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>docs/samples/web, in a process of its own.</summary>
public sealed class SampleTests
{
    private const int Deadline = 60_000;

    [Fact(Timeout = Deadline)]
    public async Task Web_serves_its_page_over_both_protocols_and_echoes_messages()
    {
        using WebSample sample = await WebSample.StartAsync();
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        using var client = new HttpClient(handler);
        Assert.Contains("/echo", await client.GetStringAsync(sample.Http), StringComparison.Ordinal);
        Assert.Contains("/echo", await client.GetStringAsync(sample.Https), StringComparison.Ordinal);
        Assert.Equal("hello you", await client.GetStringAsync(sample.Https + "/hello/you"));

        using var socket = new ClientWebSocket();
        byte[] answer = new byte[100];
        await socket.ConnectAsync(new Uri(sample.Http.Replace("http", "ws", StringComparison.Ordinal) + "/echo"), default);
        await socket.SendAsync("a message"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default);
        WebSocketReceiveResult result = await socket.ReceiveAsync(answer, default);
        Assert.Equal("a message", Encoding.UTF8.GetString(answer, 0, result.Count));
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);
        await sample.StopAsync();
    }

    /// <summary>The page opens its WebSocket, and shows the messages that the server sends back.</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_page_of_web_works_in_a_browser(bool tls)
    {
        if (Tool.Find("chromium", "chromium-browser", "google-chrome", "chromium-headless-shell") is not string path)
        {
            return;
        }

        using WebSample sample = await WebSample.StartAsync();
        using Browser browser = await Browser.OpenAsync(path, tls ? sample.Https : sample.Http);
        const string Answers = "[...document.querySelectorAll('#answers li')].map(e => e.textContent).join('|')";
        await browser.UntilAsync(Answers, "connected");

        for (int i = 1; i <= 3; i++)
        {
            await browser.EvaluateAsync($"document.getElementById('text').value = 'message {i}'; document.querySelector('button').click()");
        }

        await browser.UntilAsync(Answers, "connected|message 1|message 2|message 3");
        Assert.Equal("A WebSocket on a loop", await browser.EvaluateAsync("document.querySelector('h1').textContent"));

        // The page is still connected. The server must not wait for its shutdown timeout of 30 seconds because of that.
        var watch = Stopwatch.StartNew();
        await sample.StopAsync();
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"The server took {watch.Elapsed} to end.");
    }

    [Theory(Timeout = Deadline)]
    [InlineData("--help", 0)]
    [InlineData("nonsense", 2)]
    public async Task Web_answers_a_wrong_use_with_its_usage(string argument, int exitCode)
    {
        string directory = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory); // artifacts/bin/PROJECT/CONFIGURATION
        string program = Path.Combine(directory, "..", "..", "Web", Path.GetFileName(directory), "Web.dll");
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [program, argument]) { RedirectStandardError = true })!;
        string error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        Assert.Equal(exitCode, process.ExitCode);
        Assert.StartsWith("usage: web ", error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", error, StringComparison.Ordinal);
    }
}
