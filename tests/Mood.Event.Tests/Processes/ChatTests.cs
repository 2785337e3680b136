using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The chat sample, in a process of its own.</summary>
public sealed class ChatTests : SampleTestBase
{
    [Fact]
    public void Lines_reach_all_guests_a_slow_guest_is_dropped_and_at_a_signal_no_line_is_lost()
    {
        IPEndPoint server = Start();
        using Socket slow = Connect(server, receiveBuffer: 4096); // it never reads
        using Socket first = Connect(server);
        using var firstLines = new StreamReader(new NetworkStream(first));
        Assert.Equal("* guest 2 is here", firstLines.ReadLine());
        using Socket second = Connect(server);
        using var secondLines = new StreamReader(new NetworkStream(second));
        Assert.Equal("* guest 3 is here", secondLines.ReadLine());
        Assert.Equal("* guest 3 is here", firstLines.ReadLine());

        // The others read all lines, in order, until the kernel's buffers and the pipe of the slow guest are full.
        string filler = new('x', 4000);
        int sent = 0;
        bool dropped = false;

        while (!dropped)
        {
            string line = $"guest 2: {sent++} {filler}";
            first.Send(Encoding.UTF8.GetBytes(line["guest 2: ".Length..] + "\n"));
            dropped = Next(secondLines, line);
            Assert.Equal(dropped, Next(firstLines, line)); // its own lines come back too
            Assert.InRange(sent, 1, 20_000);
        }

        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal("* the server stops", firstLines.ReadLine());
        Assert.Null(firstLines.ReadLine());
        Assert.Equal("* the server stops", secondLines.ReadLine());
        Assert.Null(secondLines.ReadLine());
        Assert.Equal(0, WaitForEnd());
    }

    [Fact]
    public void A_guest_is_dropped_alone_for_a_line_that_is_too_long_for_a_reset_and_for_a_half_line()
    {
        IPEndPoint server = Start();
        using Socket watcher = Connect(server);
        using var lines = new StreamReader(new NetworkStream(watcher));
        Assert.Equal("* guest 1 is here", lines.ReadLine());

        using (Socket tooLong = Connect(server))
        {
            Assert.Equal("* guest 2 is here", lines.ReadLine());
            tooLong.Send(new byte[5000]);
            Assert.Equal("* guest 2 has left", lines.ReadLine());
        }

        using (Socket reset = Connect(server))
        {
            Assert.Equal("* guest 3 is here", lines.ReadLine());
            reset.LingerState = new LingerOption(enable: true, seconds: 0);
        }

        Assert.Equal("* guest 3 has left", lines.ReadLine());

        using (Socket half = Connect(server))
        {
            Assert.Equal("* guest 4 is here", lines.ReadLine());
            half.Send("whole\nhalf"u8);
            half.Shutdown(SocketShutdown.Send);
            Assert.Equal("guest 4: whole", lines.ReadLine());
            Assert.Equal("* guest 4 has left", lines.ReadLine());
        }

        Posix.Kill(Pid, Signum.SIGINT);
        Assert.Equal("* the server stops", lines.ReadLine());
        Assert.Null(lines.ReadLine());
        Assert.Equal(0, WaitForEnd());
    }

    [Theory]
    [InlineData("--help", 0, "usage: chat [PORT]")]
    [InlineData("99999", 2, "usage: chat [PORT]")]
    public void A_wrong_use_gets_a_message_and_no_stack_trace(string arguments, int exitCode, string message)
    {
        Spawn(Path.Combine("chat", "Chat.dll"), arguments);
        Assert.Equal(exitCode << 8, WaitForEnd());
        Assert.StartsWith(message, Output, StringComparison.Ordinal);
        Assert.Single(Output.TrimEnd().Split('\n'));
    }

    [Fact]
    public void A_port_in_use_gets_a_message_and_no_stack_trace()
    {
        using var taken = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        taken.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        taken.Listen();
        Spawn(Path.Combine("chat", "Chat.dll"), $"{((IPEndPoint)taken.LocalEndPoint!).Port}");
        Assert.Equal(1 << 8, WaitForEnd());
        Assert.Equal($"chat: A LoopServer cannot listen on {taken.LocalEndPoint}: Address already in use\n", Output);
    }

    // Reads the expected line. Returns true if the line that reports the drop of the slow guest came before it.
    private static bool Next(StreamReader lines, string expected)
    {
        string? line = lines.ReadLine();
        bool dropped = line == "* guest 1 was too slow";
        Assert.Equal(expected, dropped ? lines.ReadLine() : line);
        return dropped;
    }

    private IPEndPoint Start()
    {
        Spawn(Path.Combine("chat", "Chat.dll"), "0");
        Assert.True(Posix.Until(() => Output.Contains("process ", StringComparison.Ordinal), Patience), Output);
        return IPEndPoint.Parse(Regex.Match(Output, @"chat server on (\S+),").Groups[1].Value);
    }
}
