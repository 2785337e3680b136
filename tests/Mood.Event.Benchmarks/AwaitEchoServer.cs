using System;
using System.IO;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>
/// The echo server of <see cref="EchoServer"/> with awaits: over SocketExtensions, over LoopStream, over async
/// System.Net.Sockets, and over TLS.
/// </summary>
internal sealed class AwaitEchoServer
{
    private readonly int _bufferSize;

    internal AwaitEchoServer(int bufferSize) => _bufferSize = bufferSize;

    /// <summary>Runs one of the servers: await, stream, sockets, tls-stream or tls-sockets.</summary>
    internal void Run(string name)
    {
        if (name.EndsWith("sockets", StringComparison.Ordinal))
        {
            _ = AcceptWithSocketsAsync(withTls: name != "sockets");
            ServerProcess.Run();
            return;
        }

        using Loop loop = Loop.Default;
        using Socket listener = ServerProcess.Listen();
        _ = AcceptAsync(loop, listener, name);
        ServerProcess.Run(loop);
    }

    private async Task AcceptAsync(Loop loop, Socket listener, string name)
    {
        using X509Certificate2 certificate = NewCertificate();

        while (true)
        {
            Socket socket = await listener.AcceptAsync(loop).ConfigureAwait(false);
            socket.NoDelay = true;
#pragma warning disable CA2025 // the task disposes the socket
            _ = name switch
            {
                "await" => EchoAsync(loop, socket),
                "stream" => EchoAsync(new LoopStream(loop, socket, ownsSocket: true)),
                _ => EchoWithTlsAsync(new LoopStream(loop, socket, ownsSocket: true), certificate),
            };
#pragma warning restore CA2025
        }
    }

    private async Task AcceptWithSocketsAsync(bool withTls)
    {
        using X509Certificate2 certificate = NewCertificate();
        using Socket listener = ServerProcess.Listen();

        while (true)
        {
            Socket socket = await listener.AcceptAsync();
            socket.NoDelay = true;
#pragma warning disable CA2025 // the task disposes the socket
            _ = withTls ? EchoWithTlsAsync(new NetworkStream(socket, ownsSocket: true), certificate) : EchoAsync(socket);
#pragma warning restore CA2025
        }
    }

    private async Task EchoAsync(Loop loop, Socket socket)
    {
        byte[] buffer = new byte[_bufferSize];
        int count;

        while ((count = await socket.ReceiveAsync(loop, buffer).ConfigureAwait(false)) > 0)
        {
            await socket.SendAsync(loop, buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        socket.Dispose();
    }

    private async Task EchoAsync(Socket socket)
    {
        byte[] buffer = new byte[_bufferSize];
        int count;

        while ((count = await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None)) > 0)
        {
            // An awaited SendAsync completes when all bytes are sent.
            await socket.SendAsync(buffer.AsMemory(0, count), SocketFlags.None);
        }

        socket.Dispose();
    }

    private async Task EchoAsync(Stream stream)
    {
        byte[] buffer = new byte[_bufferSize];
        int count;

        while ((count = await stream.ReadAsync(buffer).ConfigureAwait(false)) > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count)).ConfigureAwait(false);
        }

        await stream.DisposeAsync().ConfigureAwait(false);
    }

    private async Task EchoWithTlsAsync(Stream stream, X509Certificate2 certificate)
    {
        var tls = new SslStream(stream);
        await tls.AuthenticateAsServerAsync(certificate).ConfigureAwait(false);
        await EchoAsync(tls).ConfigureAwait(false);
    }

    private static X509Certificate2 NewCertificate()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        return request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
    }
}
