using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>SslStream and HttpClient over a LoopStream, with real connections.</summary>
public sealed class LoopStreamTlsTests : AwaitTestBase
{
    private static readonly Lazy<X509Certificate2> s_certificate = new(MakeCertificate);

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_TLS_connection_carries_every_byte_both_ways(bool onLoop)
    {
        const int Size = 3 * 1024 * 1024;
        Loop loop = NewLoop();
        (Socket one, Socket two) = NewConnection();
        byte[] sent = new byte[Size];
        new Random(1).NextBytes(sent);
        byte[] atServer = new byte[Size], atClient = new byte[Size];
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        Assert.Equal(sent, atServer);
        Assert.Equal(sent, atClient);
        AssertIdle(loop);

        async Task Test()
        {
            await using SslStream client = NewTlsClient(loop, one);
            await using var server = new SslStream(new LoopStream(loop, two, ownsSocket: true));
            await Task.WhenAll(
                server.AuthenticateAsServerAsync(s_certificate.Value),
                client.AuthenticateAsClientAsync("localhost"));
            Assert.True(client.IsEncrypted && server.IsAuthenticated);
            await Task.WhenAll(
                client.WriteAsync(sent).AsTask(),
                server.WriteAsync(sent).AsTask(),
                client.ReadExactlyAsync(atClient).AsTask(),
                server.ReadExactlyAsync(atServer).AsTask());
            await client.ShutdownAsync();
            Assert.Equal(0, await server.ReadAsync(atServer));
        }
    }

    [Fact]
    public void A_TLS_handshake_of_blocking_calls_works_on_other_threads()
    {
        Loop loop = NewLoop();
        (Socket one, Socket two) = NewConnection();
        Drive(loop, async () =>
        {
            await using SslStream client = NewTlsClient(loop, one);
            await using var server = new SslStream(new LoopStream(loop, two, ownsSocket: true));
            await Task.WhenAll(
                Task.Run(() => server.AuthenticateAsServer(s_certificate.Value)),
                Task.Run(() => client.AuthenticateAsClient("localhost")));
            await Task.Run(() => client.Write([1, 2, 3]));
            byte[] buffer = new byte[3];
            await server.ReadExactlyAsync(buffer);
            Assert.Equal([1, 2, 3], buffer);
        });
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void HttpClient_works_over_a_LoopStream(bool tls)
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port, requests = 0;
        List<Task> connections = [];
        string big = new('x', 500_000);
        Drive(loop, async () =>
        {
            using var stop = new CancellationTokenSource();
            Task serving = ServeAsync(stop.Token);
            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, token) => await LoopStream.ConnectAsync(loop, context.DnsEndPoint, token),
                SslOptions = new SslClientAuthenticationOptions { RemoteCertificateValidationCallback = IsOurs },
            };

            using (var http = new HttpClient(handler) { BaseAddress = new Uri($"{(tls ? "https" : "http")}://localhost:{port}/") })
            {
                // Requests one after the other use one connection, from the loop's thread and from another one.
                Assert.Equal("GET /a", await http.GetStringAsync(new Uri("a", UriKind.Relative)));
                Assert.Equal("GET /b", await Task.Run(() => http.GetStringAsync(new Uri("b", UriKind.Relative))));
                using var content = new StringContent(big);
                using HttpResponseMessage response = await http.PostAsync(new Uri("c", UriKind.Relative), content);
                Assert.Equal(big, await response.Content.ReadAsStringAsync());
                _ = Assert.Single(connections);

                // Many requests at the same time use as many connections as HttpClient makes.
                string[] answers = await Task.WhenAll(Enumerable.Range(0, 20).Select(i => http.GetStringAsync(new Uri($"{i}", UriKind.Relative))));
                Assert.Equal(Enumerable.Range(0, 20).Select(i => $"GET /{i}"), answers);
            }

            stop.Cancel();
            await serving;
            await Task.WhenAll(connections); // they end, because HttpClient has closed the connections
        });
        Assert.Equal(23, requests);
        AssertClosed(loop);

        async Task ServeAsync(CancellationToken stop)
        {
            try
            {
                while (true)
                {
                    Socket socket = await listener.AcceptAsync(loop, stop);
                    connections.Add(ServeUntilClosedAsync(socket));
                }
            }
            catch (OperationCanceledException)
            {
            }
        }

        // HttpClient may make a connection that it never uses, and close it before it has read the TLS records. That close
        // resets the connection.
        async Task ServeUntilClosedAsync(Socket socket)
        {
            try
            {
                await ServeConnectionAsync(socket);
            }
            catch (IOException)
            {
            }
        }

        // Implements the part of HTTP that this test needs.
        async Task ServeConnectionAsync(Socket socket)
        {
            await using Stream stream = await AcceptStreamAsync(new LoopStream(loop, socket, ownsSocket: true));
            using var reader = new StreamReader(stream, Encoding.ASCII);

            while (await reader.ReadLineAsync() is string request)
            {
                int length = 0;

                while (await reader.ReadLineAsync() is { Length: > 0 } header)
                {
                    if (header.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase))
                    {
                        length = int.Parse(header.AsSpan(15), null);
                    }
                }

                char[] body = new char[length];

                if (length > 0) // StreamReader would wait for bytes even in an empty read
                {
                    Assert.Equal(length, await reader.ReadBlockAsync(body));
                }

                string answer = length > 0 ? new string(body) : request.Replace(" HTTP/1.1", "", StringComparison.Ordinal);
                requests++;
                await stream.WriteAsync(Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {answer.Length}\r\n\r\n{answer}"));
            }
        }

        async Task<Stream> AcceptStreamAsync(LoopStream stream)
        {
            if (!tls)
            {
                return stream;
            }

            var secure = new SslStream(stream);
            await secure.AuthenticateAsServerAsync(s_certificate.Value);
            return secure;
        }
    }

    [Fact]
    public void A_request_that_is_cancelled_ends_and_leaves_no_watcher()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        Drive(loop, async () =>
        {
            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, token) => await LoopStream.ConnectAsync(loop, context.DnsEndPoint, token),
            };
            using var http = new HttpClient(handler);
            using var source = new CancellationTokenSource(50);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => http.GetStringAsync(new Uri($"http://localhost:{port}/"), source.Token));
        });
        AssertClosed(loop);
    }

    // Waits, because HttpClient may read the last bytes on any thread.
    private static void AssertClosed(Loop loop) => Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait)));

    private static SslStream NewTlsClient(Loop loop, Socket socket) =>
        new(new LoopStream(loop, socket, ownsSocket: true), leaveInnerStreamOpen: false, IsOurs);

    private static bool IsOurs(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.GetCertHashString() == s_certificate.Value.GetCertHashString();

    private static X509Certificate2 MakeCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        using X509Certificate2 certificate =
            request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
