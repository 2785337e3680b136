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
    private const string Listening = "Now listening on: ";

    [Fact(Timeout = 60_000)]
    public async Task Web_serves_its_page_over_both_protocols_and_echoes_messages()
    {
        string directory = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory); // artifacts/bin/PROJECT/CONFIGURATION
        string program = Path.Combine(directory, "..", "..", "Web", Path.GetFileName(directory), "Web.dll");
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [program, "0", "0"]) { RedirectStandardOutput = true })!;

        try
        {
            string http = await AddressAsync(process), https = await AddressAsync(process);
            using var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            using var client = new HttpClient(handler);
            Assert.Contains("/echo", await client.GetStringAsync(http), StringComparison.Ordinal);
            Assert.Contains("/echo", await client.GetStringAsync(https), StringComparison.Ordinal);
            Assert.Equal("hello you", await client.GetStringAsync(https + "/hello/you"));

            using var socket = new ClientWebSocket();
            byte[] answer = new byte[100];
            await socket.ConnectAsync(new Uri(http.Replace("http", "ws", StringComparison.Ordinal) + "/echo"), default);
            await socket.SendAsync("a message"u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, default);
            WebSocketReceiveResult result = await socket.ReceiveAsync(answer, default);
            Assert.Equal("a message", Encoding.UTF8.GetString(answer, 0, result.Count));
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, "bye", default);

            using Process kill = Process.Start("sh", ["-c", $"kill -s TERM {process.Id}"]);
            await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            process.Kill();
        }
    }

    // the next address in Kestrel's log
    private static async Task<string> AddressAsync(Process process)
    {
        while (true)
        {
            string line = await process.StandardOutput.ReadLineAsync() ?? throw new EndOfStreamException("The sample has ended.");
            int start = line.IndexOf(Listening, StringComparison.Ordinal);

            if (start >= 0)
            {
                return line[(start + Listening.Length)..].Trim();
            }
        }
    }
}
