using System;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The faults of Wine for which skips.txt skips tests. These tests show the faults without this library. If one fails, a newer
/// Wine no longer has the fault, and the skipped tests should run.
/// </summary>
public sealed class WineFaultTests
{
    [Fact]
    public void A_receive_from_a_connection_that_was_reset_gives_0()
    {
        if (!Skips.IsWine)
        {
            return;
        }

        using Socket listener = New();
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        using Socket client = New();
        client.Connect(listener.LocalEndPoint!);
        using Socket server = listener.Accept();
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
        Assert.True(server.Poll(30_000_000, SelectMode.SelectRead)); // Wine reads the error here, so the receive does not find it
        Assert.Equal(0, server.Receive(new byte[1]));
    }

    [Fact]
    public void There_are_no_Unix_domain_sockets()
    {
        if (Skips.IsWine)
        {
            Assert.Throws<SocketException>(() => new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified));
        }
    }

    [Fact]
    public void No_certificate_can_be_made()
    {
        if (Skips.IsWine)
        {
            using ECDsa key = ECDsa.Create();
            Assert.ThrowsAny<CryptographicException>(
                () => new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddDays(1)));
        }
    }

    private static Socket New() => new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
}
