using System;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The programs of README.md run. GuideTests checks that the host has them word for word.</summary>
public sealed class ReadmeTests
{
    private const string Port = "IPAddress.Loopback, 9999";

    [Fact]
    public void Each_program_names_its_port_once_and_the_host_compiles_it_with_another_port()
    {
        string[] programs = Repository.Read("README.md").Split("```csharp")[2..]; // the first one has no port
        Assert.Equal(2, programs.Length);
        Assert.All(programs, p => Assert.Equal(2, p.Split("```")[0].Split(Port).Length));
        Assert.Equal(3, Repository.Read("tests/Mood.Event.Host/ReadmeScenarios.cs").Split(Port).Length);
    }

    [Fact]
    public void The_program_of_five_lines_ticks_and_stops_at_SIGINT()
    {
        using var process = new HostProcess("readme five 0");
        Assert.True(Posix.Until(() => process.Output.Contains("tick\n", StringComparison.Ordinal), seconds: 30), process.Output);
        process.Kill(Signum.SIGINT);
        Assert.Equal(0, process.WaitForEnd().Status);
    }

    [Fact]
    public void The_first_program_ticks_receives_datagrams_and_stops_at_SIGINT()
    {
        (HostProcess process, IPEndPoint server) = Start("watchers", SocketType.Dgram, (p, _) => p.Output.Contains("tick\n", StringComparison.Ordinal));
        using HostProcess running = process;
        using var client = new UdpClient();
        client.Send("hello"u8, server);
        Assert.True(Posix.Until(() => process.Output.Contains("5 bytes\n", StringComparison.Ordinal), seconds: 30), process.Output);
        process.Kill(Signum.SIGINT);
        Assert.Equal(0, process.WaitForEnd().Status);
    }

    [Fact]
    public void The_second_program_echoes()
    {
        Socket? connected = null;
        (HostProcess process, _) = Start("await", SocketType.Stream, (_, server) => (connected = TryConnect(server)) is not null);
        using HostProcess running = process;
        using Socket client = connected!;
        client.ReceiveTimeout = 10_000;
        client.Send("hello"u8);
        byte[] buffer = new byte[5];
        int count = 0;

        while (count < buffer.Length)
        {
            int received = client.Receive(buffer, count, buffer.Length - count, SocketFlags.None);
            Assert.NotEqual(0, received);
            count += received;
        }

        Assert.Equal("hello", Encoding.ASCII.GetString(buffer));
    }

    /// <summary>
    /// Starts a program on a free port and waits until it is ready. If another process takes the port before the program binds
    /// it, tries another port.
    /// </summary>
    private static (HostProcess Process, IPEndPoint Server) Start(string program, SocketType type, Func<HostProcess, IPEndPoint, bool> isReady)
    {
        for (int attempt = 1; ; attempt++)
        {
            IPEndPoint server = FreePort(type);
            var process = new HostProcess(string.Create(CultureInfo.InvariantCulture, $"readme {program} {server.Port}"));
            bool isTaken = false;

            try
            {
                Assert.True(Posix.Until(() => (isTaken = process.Output.Contains("in use", StringComparison.Ordinal)) || isReady(process, server), seconds: 30), process.Output);
            }
            catch
            {
                process.Dispose();
                throw;
            }

            if (!isTaken)
            {
                return (process, server);
            }

            Assert.True(attempt < 5, process.Output);
            process.Dispose();
        }
    }

    private static IPEndPoint FreePort(SocketType type)
    {
        using var socket = new Socket(AddressFamily.InterNetwork, type, ProtocolType.Unspecified);
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return (IPEndPoint)socket.LocalEndPoint!;
    }

    private static Socket? TryConnect(IPEndPoint server)
    {
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

        try
        {
            client.Connect(server);
            return client;
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            client.Dispose();
            return null;
        }
    }
}
