using System;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The echo sample on several loops, in a process of its own.</summary>
public sealed class EchoLoopsTests : SampleTestBase
{
    [Fact]
    public void Each_loop_gets_connections_and_serves_them_until_a_signal()
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

        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(0, WaitForEnd(2 * Patience));
        Match closing = Regex.Match(Output, @"closing (\d+) \+ (\d+) \+ (\d+) connections");
        Assert.True(closing.Success, Output);
        int[] numbers = [.. closing.Groups.Values.Skip(1).Select(g => int.Parse(g.Value, null))];
        Assert.Equal(count, numbers.Sum());

        // Linux distributes the connections by a hash of the addresses. With a hundred connections and three loops, the chance
        // that a loop gets none is 1 in 10^17.
        if (OperatingSystem.IsLinux())
        {
            Assert.All(numbers, n => Assert.InRange(n, 1, count));
        }

        // All clients end their side of the connection.
        Assert.All(clients, client =>
        {
            Assert.Equal(0, client.Receive(answer));
            client.Dispose();
        });
    }

    [Fact]
    public void The_self_test_of_the_echo_sample_passes_on_several_loops()
    {
        Spawn("--selftest --loops 2 --seconds 0.5 --connections 30");
        int status = WaitForEnd(2 * Patience);
        Assert.True(status == 0, Output);
        Assert.Contains("self-test passed", Output, StringComparison.Ordinal);
        Assert.Contains("served by 2 loops", Output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_echo_sample_reports_a_port_in_use_and_ends()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        Spawn($"--loops 2 --port {((IPEndPoint)taken.LocalEndPoint!).Port}");
        Assert.Equal(1 << 8, WaitForEnd(2 * Patience));
        Assert.Contains("echo: ", Output, StringComparison.Ordinal);
    }

    private void Spawn(string arguments) => Spawn(Path.Combine("echo", "Echo.dll"), arguments);
}
