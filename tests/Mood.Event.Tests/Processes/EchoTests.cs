using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The echo sample.</summary>
public sealed class EchoTests() : EchoTestBase(Path.Combine("echo", "Echo.dll"));

/// <summary>The same tests with the echo-async sample.</summary>
public sealed class EchoAsyncTests() : EchoTestBase(Path.Combine("echo-async", "EchoAsync.dll"))
{
    [Theory]
    [InlineData("--size", "64")]
    [InlineData("--size", "200000")]
    [InlineData("--loops", "2")]
    [InlineData("--backend", "Poll")]
    public void The_self_test_of_the_echo_sample_passes_and_allocates_nothing_per_round_trip(string option, string value)
    {
        string report = Repository.Run(Environment.ProcessPath!, Program, "--selftest", "--seconds", "1", option, value);
        Assert.Contains("echo self-test passed", report, StringComparison.Ordinal);
        Assert.Contains("lost 0, changed 0", report, StringComparison.Ordinal);
        Match allocated = Regex.Match(report, @"allocated +(\d+) bytes .*, ([\d.]+) per round trip");
        Assert.True(allocated.Success, report);

        // A state machine for each message would allocate at least a hundred bytes.
        Assert.True(double.Parse(allocated.Groups[2].Value, CultureInfo.InvariantCulture) < 20, report);
    }
}

/// <summary>An echo server in a process of its own that runs out of file descriptors.</summary>
public abstract class EchoTestBase : SampleTestBase
{
    private readonly List<Socket> _clients = [];

    protected EchoTestBase(string program)
    {
        Program = Path.Combine(AppContext.BaseDirectory, program);
        Spawn(program, "--port 0", "ulimit -n 150; ");
    }

    protected string Program { get; }

    protected override void Dispose(bool disposing)
    {
        _clients.ForEach(c => c.Dispose());
        base.Dispose(disposing);
    }

    [Fact]
    public void Without_free_fds_the_server_waits_without_spinning_and_accepts_again_when_some_are_free()
    {
        Assert.True(Posix.Until(() => Output.Contains("echo server on ", StringComparison.Ordinal), Patience), Output);
        var server = IPEndPoint.Parse(Regex.Match(Output, @"echo server on (\S+),").Groups[1].Value);

        for (int i = 0; i < 200; i++)
        {
            _clients.Add(Connect(server));
        }

        Assert.True(Posix.Until(() => Regex.IsMatch(Output, "no more connections|cannot accept connections"), Patience), Output);

        // The server tries five or ten times a second. A server that spins would use all the time of a processor.
        double before = ProcessorSeconds();
        Thread.Sleep(2000);
        Assert.InRange(ProcessorSeconds() - before, 0, 1);
        CheckEcho(_clients[0]);

        // Waiting clients are served when others have disconnected, and so are new ones.
        _clients.Take(150).ToList().ForEach(c => c.Dispose());
        CheckEcho(_clients[^1]);
        _clients.Add(Connect(server));
        CheckEcho(_clients[^1]);

        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(0, WaitForEnd());
    }

    private static void CheckEcho(Socket socket)
    {
        byte[] buffer = new byte[1];
        socket.Send([42]);
        Assert.Equal(1, socket.Receive(buffer));
        Assert.Equal(42, buffer[0]);
    }

    /// <summary>
    /// The processor time of the server in seconds, user and system together. /proc has it in hundredths of a second.
    /// </summary>
    private double ProcessorSeconds()
    {
        string stat = File.ReadAllText($"/proc/{Pid}/stat");
        string[] fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (double.Parse(fields[11], CultureInfo.InvariantCulture) + double.Parse(fields[12], CultureInfo.InvariantCulture)) / 100;
    }
}
