using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>HTTP/2, and both versions of HTTP over TLS.</summary>
public sealed class Http2Tests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task HTTP_2_requests_with_prior_knowledge_share_one_connection(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        using HttpClient client = H2(server.Client());
        await AskAsync(client);
        Assert.Single((await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => client.GetStringAsync("/connection")))).Distinct());
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Lines_go_both_ways_in_one_request(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2));
        using HttpClient client = H2(server.Client());
        await Task.WhenAll(Enumerable.Range(0, 10).Select(async k =>
        {
            var lines = new Lines();
            using var request = new HttpRequestMessage(HttpMethod.Post, "/lines")
            {
                Content = lines,
                Version = HttpVersion.Version20,
                VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            };
            using HttpResponseMessage response = await client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
            using var reader = new StreamReader(await response.Content.ReadAsStreamAsync());

            for (int i = 0; i < 50; i++)
            {
                await lines.WriteAsync($"line {k}.{i}\n");
                Assert.Equal($"line {k}.{i}", await reader.ReadLineAsync());
            }

            lines.End();
            Assert.Null(await reader.ReadLineAsync());
        }));
    }

    /// <summary>The status follows the messages, as in gRPC.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Trailers_follow_the_answer(Mode mode)
    {
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2), map: app => app.Map("/stream", (RequestDelegate)(async c =>
        {
            for (int i = 0; i < 100; i++)
            {
                await c.Response.WriteAsync($"[{i}]");
                await c.Response.Body.FlushAsync();
            }

            c.Response.AppendTrailer("grpc-status", "0");
        })));
        using HttpClient client = H2(server.Client());

        for (int i = 0; i < 5; i++)
        {
            using HttpResponseMessage response = await client.GetAsync("/stream");
            Assert.Equal(Enumerable.Range(0, 100), HttpTests.Numbers(await response.Content.ReadAsStringAsync()));
            Assert.Equal("0", response.TrailingHeaders.GetValues("grpc-status").Single());
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_stop_waits_for_the_streams_of_a_connection(Mode mode)
    {
        var begun = new TaskCompletionSource();
        var goOn = new TaskCompletionSource();
        Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.Protocols = HttpProtocols.Http2), map: app => app.Map("/wait", (RequestDelegate)(async c =>
        {
            begun.SetResult();
            await goOn.Task;
            await c.Response.WriteAsync("answer");
        })));
        using HttpClient client = H2(server.Client());
        Task<string> answer = client.GetStringAsync("/wait");
        await begun.Task;
        Task stopped = server.DisposeAsync().AsTask();
        await Task.Delay(100);
        Assert.False(stopped.IsCompleted);
        goOn.SetResult();
        Assert.Equal("answer", await answer);
        await stopped;
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task Both_versions_of_HTTP_work_over_TLS(Mode mode)
    {
        using X509Certificate2 certificate = Certificate();
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate)));

        foreach (Version version in new[] { HttpVersion.Version11, HttpVersion.Version20 })
        {
            var handler = new SocketsHttpHandler();
            handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
            using HttpClient client = server.Client(handler);
            client.BaseAddress = new Uri($"https://{server.EndPoint}");
            client.DefaultRequestVersion = version;
            client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
            await AskAsync(client);
        }
    }

    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_client_that_breaks_off_the_handshake_affects_no_other_client(Mode mode)
    {
        using X509Certificate2 certificate = Certificate();
        await using Server server = await Server.StartAsync(mode, o => o.Listen(IPAddress.Loopback, 0, l => l.UseHttps(certificate)));

        for (int i = 0; i < 20; i++)
        {
            using RawClient broken = await server.ConnectAsync();
            await broken.SendAsync("\x16\x03\x01");
            broken.Reset();
        }

        using var client = new SslStream(new System.Net.Sockets.NetworkStream((await server.ConnectAsync()).Socket, true), false, (_, _, _, _) => true);
        await client.AuthenticateAsClientAsync("localhost");
        await client.WriteAsync("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"u8.ToArray());
        using var reader = new StreamReader(client);
        Assert.EndsWith("hello\r\n0\r\n\r\n", await reader.ReadToEndAsync(), StringComparison.Ordinal);
    }

    private static HttpClient H2(HttpClient client)
    {
        client.DefaultRequestVersion = HttpVersion.Version20;
        client.DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact;
        return client;
    }

    private static async Task AskAsync(HttpClient client)
    {
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async i => Assert.Equal($"[{i}]", await client.GetStringAsync($"/number?{i}"))));
        Assert.Equal(3_000_000, (await client.GetByteArrayAsync("/big?3000000")).Length);
        using HttpResponseMessage response = await client.PostAsync("/length", new ByteArrayContent(new byte[3_000_000]));
        Assert.Equal("3000000", await response.Content.ReadAsStringAsync());
    }

    internal static X509Certificate2 Certificate()
    {
        using RSA key = RSA.Create(2048);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }

    /// <summary>A request body that grows while the request runs.</summary>
    private sealed class Lines : HttpContent
    {
        private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public async Task WriteAsync(string line)
        {
            Stream stream = await _stream.Task;
            await stream.WriteAsync(System.Text.Encoding.UTF8.GetBytes(line));
            await stream.FlushAsync();
        }

        public void End() => _ended.SetResult();

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.FlushAsync();
            _stream.SetResult(stream);
            await _ended.Task;
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
