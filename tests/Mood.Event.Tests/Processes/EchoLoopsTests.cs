using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The echo sample on several loops, in a process of its own.</summary>
public sealed class EchoLoopsTests : IDisposable
{
    private const double Patience = 30;

    private readonly string _output = Path.GetTempFileName();
    private int _pid;

    private string Output => File.ReadAllText(_output);

    public void Dispose()
    {
        if (_pid != 0 && Posix.Wait(_pid, out _, Posix.WNOHANG) == 0)
        {
            Posix.Kill(_pid, Signum.SIGKILL);
            Posix.Wait(_pid, out _);
        }

        File.Delete(_output);
    }

    [Fact]
    public void Each_loop_gets_connections_and_all_are_served_until_a_signal_ends_them()
    {
        const int count = 100;
        Spawn("--port 0 --loops 3");
        Assert.True(Posix.Until(() => Output.Contains("echo server on ", StringComparison.Ordinal), Patience), Output);
        Match line = Regex.Match(Output, @"echo server on (\S+), .*loops 3");
        var server = IPEndPoint.Parse(line.Groups[1].Value);
        Socket[] clients = [.. Enumerable.Range(0, count).Select(_ => Connect(server))];
        byte[] message = [1, 2, 3];
        byte[] answer = new byte[3];

        foreach (Socket client in clients.Concat(clients))
        {
            client.Send(message);
            Assert.Equal(3, client.Receive(answer));
            Assert.Equal(message, answer);
        }

        Posix.Kill(_pid, Signum.SIGTERM);
        Assert.Equal(0, WaitForEnd());
        Match closing = Regex.Match(Output, @"closing (\d+) \+ (\d+) \+ (\d+) connections");
        Assert.True(closing.Success, Output);
        int[] numbers = [.. closing.Groups.Values.Skip(1).Select(g => int.Parse(g.Value, null))];
        Assert.Equal(count, numbers.Sum());

        // on Linux the kernel deals them out by a hash of the addresses: that one of three gets none of a hundred is 1 in 10^17
        if (OperatingSystem.IsLinux())
        {
            Assert.All(numbers, n => Assert.InRange(n, 1, count));
        }

        // hung up, all of them
        Assert.All(clients, client =>
        {
            Assert.Equal(0, client.Receive(answer));
            client.Dispose();
        });
    }

    [Fact]
    public void Its_self_test_passes_on_several_loops()
    {
        Spawn("--selftest --loops 2 --seconds 0.5 --connections 30");
        int status = WaitForEnd();
        Assert.True(status == 0, Output);
        Assert.Contains("self-test passed", Output, StringComparison.Ordinal);
        Assert.Contains("served by 2 loops", Output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_port_that_is_taken_is_said_and_ends_it()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        Spawn($"--loops 2 --port {((IPEndPoint)taken.LocalEndPoint!).Port}");
        Assert.Equal(1 << 8, WaitForEnd());
        Assert.Contains("echo: ", Output, StringComparison.Ordinal);
    }

    private static Socket Connect(IPEndPoint server)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = (int)(Patience * 1000) };
        socket.Connect(server);
        return socket;
    }

    private void Spawn(string arguments) => _pid = Posix.Spawn(
        $"ulimit -c 0; exec '{Environment.ProcessPath}' '{Path.Combine(AppContext.BaseDirectory, "echo", "Echo.dll")}' " +
        $"{arguments} >'{_output}' 2>&1 </dev/null");

    private int WaitForEnd()
    {
        int status = -1;
        Assert.True(Posix.Until(() => Posix.Wait(_pid, out status, Posix.WNOHANG) == _pid, 2 * Patience), Output);
        _pid = 0;
        return status;
    }
}
