using System;
using System.IO;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>Runs curl, h2load and nghttp against Kestrel over loops. A test does nothing if its program is not installed.</summary>
public sealed class ToolTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Curl_gets_and_posts(Mode mode)
    {
        if (Tool.Find("curl") is not string curl)
        {
            return;
        }

        await using Server server = await Server.StartAsync(mode);
        string url = $"http://{server.EndPoint}";
        Assert.Equal("hello", await Tool.RunAsync(curl, "-s", url));
        Assert.Equal("hellohello", await Tool.RunAsync(curl, "-s", url, url));
        Assert.Equal("some words", await Tool.RunAsync(curl, "-s", "-d", "some words", url + "/echo"));
        Assert.Equal("4", await Tool.RunAsync(curl, "-s", "-d", "four", "-H", "Transfer-Encoding: chunked", "-H", "Expect: 100-continue", url + "/length"));
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Curl_sends_and_receives_a_large_file_over_each_protocol(Mode mode)
    {
        if (Tool.Find("curl") is not string curl)
        {
            return;
        }

        using X509Certificate2 certificate = Http2Tests.Certificate();
        await using Server server = await StartForEachProtocolAsync(mode, certificate);
        string file = Path.GetTempFileName(), received = Path.GetTempFileName();

        try
        {
            byte[] content = new byte[10_000_000];
            new Random(1).NextBytes(content);
            await File.WriteAllBytesAsync(file, content);

            foreach ((Uri address, string version) in new[]
            {
                (server.Addresses[0], "--http1.1"), (server.Addresses[1], "--http2-prior-knowledge"), (server.Addresses[2], "--http1.1"),
                (server.Addresses[2], "--http2"),
            })
            {
                await Tool.RunAsync(curl, "-s", "-S", "-k", version, "--data-binary", "@" + file, "-o", received, new Uri(address, "/echo").ToString());
                byte[] echo = await File.ReadAllBytesAsync(received);
                Assert.True(content.AsSpan().SequenceEqual(echo), $"{address} {version}");
            }
        }
        finally
        {
            File.Delete(file);
            File.Delete(received);
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task H2load_loses_no_request(Mode mode)
    {
        if (Tool.Find("h2load") is not string h2load)
        {
            return;
        }

        using X509Certificate2 certificate = Http2Tests.Certificate();
        await using Server server = await StartForEachProtocolAsync(mode, certificate);

        foreach ((Uri address, string[] options) in new (Uri, string[])[]
        {
            (server.Addresses[0], ["--h1"]), (server.Addresses[1], ["-m", "20"]), (server.Addresses[2], ["-m", "20"]),
        })
        {
            string output = await Tool.RunAsync(h2load, ["-n", "5000", "-c", "20", .. options, address.ToString()]);
            Assert.Contains("5000 succeeded, 0 failed, 0 errored, 0 timeout", output, StringComparison.Ordinal);
            Assert.Contains("5000 2xx", output, StringComparison.Ordinal);
        }

        string body = Path.GetTempFileName();

        try
        {
            await File.WriteAllBytesAsync(body, new byte[20_000]);
            string output = await Tool.RunAsync(
                h2load, "-n", "1000", "-c", "10", "-m", "10", "-d", body, new Uri(server.Addresses[1], "/echo").ToString());
            Assert.Contains("1000 succeeded, 0 failed, 0 errored, 0 timeout", output, StringComparison.Ordinal);
        }
        finally
        {
            File.Delete(body);
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Nghttp_gets_several_answers_at_once_and_posts(Mode mode)
    {
        if (Tool.Find("nghttp") is not string nghttp)
        {
            return;
        }

        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        string url = $"http://{server.EndPoint}";
        string numbers = await Tool.RunAsync(nghttp, $"{url}/number?1", $"{url}/number?2", $"{url}/number?3");
        Assert.Equal([1, 2, 3], System.Linq.Enumerable.Order(HttpTests.Numbers(numbers)));
        Assert.Equal(1_000_000, (await Tool.RunAsync(nghttp, $"{url}/big?1000000")).Length);
        string file = Path.GetTempFileName();

        try
        {
            await File.WriteAllTextAsync(file, new string('y', 100_000));
            Assert.Equal("100000", await Tool.RunAsync(nghttp, "--expect-continue", "-d", file, $"{url}/length"));
        }
        finally
        {
            File.Delete(file);
        }
    }

    // The addresses of the server are, in this order: HTTP/1.1, HTTP/2 without TLS, and both versions over TLS.
    private static Task<Server> StartForEachProtocolAsync(Mode mode, X509Certificate2 certificate) => Server.StartAsync(mode, o =>
    {
        o.Listen(IPAddress.Loopback, 0);
        o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2);
        o.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate));
    });
}
