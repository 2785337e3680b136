using System;
using System.IO;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace TlsProxy;

/// <summary>Forwards connections. Both directions of a connection end independently, as in TCP.</summary>
internal sealed class Proxy(Loop loop, X509Certificate2 certificate, DnsEndPoint target)
{
    public async Task ServeAsync(LoopStream stream, CancellationToken token)
    {
        try
        {
            await using var client = new SslStream(stream, leaveInnerStreamOpen: true);
            await client.AuthenticateAsServerAsync(new SslServerAuthenticationOptions { ServerCertificate = certificate }, token);
            await using LoopStream server = await LoopStream.ConnectAsync(loop, target, token);

            // if one direction fails, the other one must not wait for ever
            using var failed = CancellationTokenSource.CreateLinkedTokenSource(token);
            await Task.WhenAll(
                CancelOnFailureAsync(UpAsync(client, server, failed.Token), failed), CancelOnFailureAsync(DownAsync(server, client, failed.Token), failed));
        }
        catch (Exception e) when (e is IOException or SocketException or AuthenticationException or OperationCanceledException)
        {
            await Console.Error.WriteLineAsync($"tls-proxy: {e.Message}"); // one connection
        }
    }

    private static async Task CancelOnFailureAsync(Task direction, CancellationTokenSource other)
    {
        try
        {
            await direction;
        }
        catch
        {
            await other.CancelAsync();
            throw;
        }
    }

    private static async Task UpAsync(SslStream client, LoopStream server, CancellationToken token)
    {
        await client.CopyToAsync(server, token);
        server.Socket.Shutdown(SocketShutdown.Send);
    }

    private static async Task DownAsync(LoopStream server, SslStream client, CancellationToken token)
    {
        await server.CopyToAsync(client, token);
        await client.ShutdownAsync();
    }
}
