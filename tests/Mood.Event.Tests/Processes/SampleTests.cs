using System;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The short samples, each in a process of its own.</summary>
public sealed class SampleTests : SampleTestBase
{
    private readonly string _directory = Directory.CreateTempSubdirectory("mood-event-").FullName;

    [Fact]
    public void Http_keeps_connections_answers_pipelined_requests_and_refuses_bad_ones()
    {
        IPEndPoint server = StartServer("Http", "0");
        const string host = "Host: x\r\n";
        string[] answers = Ask(
            server, $"GET / HTTP/1.1\r\n{host}\r\nPOST /echo HTTP/1.1\r\n{host}Content-Length: 3\r\n\r\nabcGET /no HTTP/1.1\r\n{host}Connection: close\r\n\r\n")
            .Split("HTTP/1.1 ")[1..];
        Assert.Equal(["200 OK", "200 OK", "404 Not Found"], answers.Select(a => a.Split("\r\n")[0]));
        Assert.EndsWith("\r\n\r\nHello from Mood.Event\n", answers[0], StringComparison.Ordinal);
        Assert.EndsWith("\r\n\r\nabc", answers[1], StringComparison.Ordinal);

        Assert.StartsWith("HTTP/1.1 400 ", Ask(server, "rubbish\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 400 ", Ask(server, "GET / HTTP/1.1\r\n\r\n"), StringComparison.Ordinal); // without a Host header
        Assert.StartsWith("HTTP/1.1 400 ", Ask(server, $"POST /echo HTTP/1.1\r\n{host}Content-Length: -1\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 405 ", Ask(server, $"POST / HTTP/1.1\r\n{host}Connection: close\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 413 ", Ask(server, $"POST /echo HTTP/1.1\r\n{host}Content-Length: 99999999\r\n\r\n"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 431 ", Ask(server, $"GET / HTTP/1.1\r\nX: {new string('x', 9000)}"), StringComparison.Ordinal);
        Assert.StartsWith("HTTP/1.1 505 ", Ask(server, "GET / HTTP/2\r\n\r\n"), StringComparison.Ordinal);
        EndBySignal();
    }

    [Fact]
    public async Task TlsProxy_forwards_both_directions_and_their_ends()
    {
        using var backend = new TcpListener(IPAddress.Loopback, 0);
        backend.Start();
        IPEndPoint proxy = StartServer("TlsProxy", $"--port 0 127.0.0.1:{((IPEndPoint)backend.LocalEndpoint).Port}");
        using Socket socket = Connect(proxy);
        await using var client = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate!.Subject == "CN=localhost");
        await client.AuthenticateAsClientAsync("localhost").WaitAsync(TimeSpan.FromSeconds(Patience));
        using TcpClient accepted = await backend.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
        using NetworkStream server = accepted.GetStream();

        await client.WriteAsync("question"u8.ToArray());
        await client.ShutdownAsync();
        using var question = new StreamReader(server, leaveOpen: true);
        Assert.Equal("question", await question.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(Patience)));
        await server.WriteAsync("answer"u8.ToArray());
        accepted.Close();
        using var answer = new StreamReader(client);
        Assert.Equal("answer", await answer.ReadToEndAsync().WaitAsync(TimeSpan.FromSeconds(Patience)));
        EndBySignal();
    }

    [Fact]
    public async Task TlsProxy_closes_both_sides_when_the_client_resets()
    {
        using var backend = new TcpListener(IPAddress.Loopback, 0);
        backend.Start();
        IPEndPoint proxy = StartServer("TlsProxy", $"--port 0 127.0.0.1:{((IPEndPoint)backend.LocalEndpoint).Port}");
        using Socket socket = Connect(proxy);
        await using var client = new SslStream(new NetworkStream(socket), leaveInnerStreamOpen: false, (_, certificate, _, _) => certificate!.Subject == "CN=localhost");
        await client.AuthenticateAsClientAsync("localhost").WaitAsync(TimeSpan.FromSeconds(Patience));
        using TcpClient accepted = await backend.AcceptTcpClientAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
        socket.Close(timeout: 0); // sends a reset
        Assert.Equal(0, await accepted.GetStream().ReadAsync(new byte[1]).AsTask().WaitAsync(TimeSpan.FromSeconds(Patience)));
        EndBySignal();
    }

    [Fact]
    public void Udp_sends_datagrams_back()
    {
        IPEndPoint server = StartServer("Udp", "0");
        using var client = new UdpClient();
        client.Client.ReceiveTimeout = (int)(Patience * 1000);
        client.Connect(server);
        client.Send("hello"u8);
        Assert.Equal("hello"u8.ToArray(), client.Receive(ref server!));
        EndBySignal();
        Assert.EndsWith("1 datagrams, 5 bytes\n", Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Supervisor_starts_a_program_again_and_ends_with_its_exit_code()
    {
        Spawn(Sample("Supervisor"), "--pause 0.02 --max-restarts 2 -- /bin/sh -c 'exit 3'");
        Assert.Equal(3 << 8, WaitForEnd());
        Assert.Equal(3, Regex.Count(Output, "started /bin/sh"));
        Assert.Equal(["0.02", "0.04"], Regex.Matches(Output, "restart in (.*) s").Select(m => m.Groups[1].Value));
    }

    [Fact]
    public void Supervisor_forwards_SIGTERM()
    {
        Spawn(Sample("Supervisor"), "--restart Always -- /bin/sh -c 'trap \"echo got it; exit 5\" TERM; echo ready; while :; do sleep 0.05; done'");
        Assert.True(Posix.Until(() => Output.Contains("ready\n", StringComparison.Ordinal), Patience), Output);
        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(5 << 8, WaitForEnd());
        Assert.Contains("got it\nsupervisor: exit code 5\n", Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("30 2 * * *", "2026-03-28T12:00Z", "Sun 2026-03-29 03:00 +02:00|Mon 2026-03-30 02:30 +02:00")] // 02:30 is skipped
    [InlineData("30 2 * * *", "2026-10-24T12:00Z", "Sun 2026-10-25 02:30 +02:00|Mon 2026-10-26 02:30 +01:00")] // 02:30 comes twice
    [InlineData("*/30 * * * *", "2026-10-25T00:15Z", "Sun 2026-10-25 02:30 +02:00|Sun 2026-10-25 02:00 +01:00|Sun 2026-10-25 02:30 +01:00")]
    [InlineData("0 0 29 2 *", "2026-01-01T00:00Z", "Tue 2028-02-29 00:00 +01:00|Sun 2032-02-29 00:00 +01:00")]
    [InlineData("0 12 13 * 5", "2026-01-03T00:00Z", "Fri 2026-01-09 12:00 +01:00|Tue 2026-01-13 12:00 +01:00")] // the 13th, and every Friday
    public void Cron_knows_the_calendar_and_the_time_zone(string rule, string from, string times)
    {
        string[] expected = times.Split('|');
        Spawn(Sample("Cron"), $"--zone Europe/Berlin --from {from} --list {expected.Length} '{rule}'");
        Assert.Equal(0, WaitForEnd());
        Assert.Equal(expected, Output.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Cron_uses_the_zone_of_the_machine_even_if_it_has_no_name()
    {
        byte[] berlin = File.ReadAllBytes("/usr/share/zoneinfo/Europe/Berlin");
        berlin[berlin.AsSpan().LastIndexOf("CET-1CEST,"u8)] = (byte)'X'; // a zone that the system does not have
        string zone = Path.Combine(_directory, "zone");
        File.WriteAllBytes(zone, berlin);
        Spawn(Sample("Cron"), "--from 2026-03-28T12:00Z --list 1 '0 12 * * *'", $"export TZ='{zone}'; ");
        Assert.Equal(0, WaitForEnd());
        Assert.Equal("Sun 2026-03-29 12:00 +02:00\n", Output);
    }

    // .NET takes such a TZ for UTC and reports nothing.
    [Fact]
    public void Cron_refuses_a_TZ_that_NET_does_not_know()
    {
        Spawn(Sample("Cron"), "--list 1 '0 12 * * *'", "export TZ=CET-1CEST,M3.5.0,M10.5.0/3; ");
        Assert.Equal(2 << 8, WaitForEnd());
        Assert.Contains("the environment variable TZ is 'CET-1CEST,M3.5.0,M10.5.0/3'", Output, StringComparison.Ordinal);
    }

    [Fact]
    public void Cron_runs_commands()
    {
        Spawn(Sample("Cron"), "--every 0.2 'echo hello; exit 4'");
        Assert.True(Posix.Until(() => Regex.Count(Output, "hello\ncron: exit code 4\n") >= 2, Patience), Output);
        EndBySignal();
    }

    [Fact]
    public void Tail_follows_a_file_that_is_truncated_and_replaced()
    {
        string path = Path.GetTempFileName();

        try
        {
            File.WriteAllLines(path, Enumerable.Range(1, 12).Select(i => $"line {i}"));
            Spawn(Sample("Tail"), $"'{path}'");
            WaitFor("line 12\n");
            Assert.StartsWith("line 3\n", Output, StringComparison.Ordinal); // the ten last lines of the file
            File.AppendAllText(path, "added\n");
            WaitFor("added\n");
            File.WriteAllText(path, "cut\n");
            WaitFor("cut\n");
            File.WriteAllText(path + ".new", "replaced\n");
            File.Move(path + ".new", path, overwrite: true);
            WaitFor("replaced\n");
            File.AppendAllText(path, "more\n");
            WaitFor("more\n");
            EndBySignal();
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Tail_copies_the_rest_of_a_file_that_was_renamed()
    {
        string path = Path.Combine(_directory, "log");
        File.WriteAllText(path, "first\n");
        Spawn(Sample("Tail"), $"'{path}'");
        WaitFor("first\n");
        File.Move(path, path + ".1");
        WaitFor("log is gone\n");
        File.AppendAllText(path + ".1", "rest\n"); // the writer has not opened the new file yet
        File.WriteAllText(path, "new\n");
        WaitFor("new\n");
        EndBySignal();
        Assert.EndsWith("rest\nnew\n", Output, StringComparison.Ordinal);
    }

    // The path gets further files between the report of a new file and the moment at which the sample opens it.
    [Fact]
    public void Tail_copies_no_file_twice()
    {
        string path = Path.Combine(_directory, "log");
        File.WriteAllText(path, "begin\n");
        Spawn(Sample("Tail"), $"'{path}'");
        WaitFor("begin\n");
        const int last = 2000;

        for (int i = 1; i <= last; i++)
        {
            File.WriteAllText(path + ".new", $"file {i} {new string('x', i)}\n"); // each file has a size of its own
            File.Move(path + ".new", path, overwrite: true);
        }

        WaitFor($"file {last} ");
        EndBySignal();
        string[] files = [.. Regex.Matches(Output, "^file [0-9]+ ", RegexOptions.Multiline).Select(m => m.Value)];
        Assert.Equal(files.Distinct(), files);
    }

    [Fact]
    public async Task Prompt_reminds_while_it_waits_for_input()
    {
        using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [Path.Combine(AppContext.BaseDirectory, Sample("Prompt"))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;

        try
        {
            await process.StandardInput.WriteLineAsync("in 1000 later\nin 0.05 tea time\nlist\nnonsense");
            Assert.Equal("> > > in 1000 s: later", await ReadLineAsync());
            await ReadLineAsync(); // skips the second line of the list, whose time is rounded
            Assert.Equal("> 'nonsense' is no command: type help", await ReadLineAsync());
            Assert.Equal("> ", await ReadLineAsync());
            Assert.Equal("*** tea time", await ReadLineAsync());
            await process.StandardInput.WriteLineAsync("quit");
            Assert.Equal("> bye", await ReadLineAsync());
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
            Assert.Equal(0, process.ExitCode);
        }
        finally
        {
            process.Kill();
        }

        Task<string?> ReadLineAsync() => process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    [Fact]
    public void Worker_works_until_the_host_stops()
    {
        Spawn(Sample("Worker"), "--Interval 0.05");
        Assert.True(Posix.Until(() => Output.Contains("job 3 is done", StringComparison.Ordinal), Patience), Output);
        EndBySignal();
        Assert.Contains("stopped after ", Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Http", "nonsense", 2)]
    [InlineData("Udp", "99999", 2)]
    [InlineData("Http", "--help", 0)]
    [InlineData("Udp", "-h", 0)]
    [InlineData("TlsProxy", "--help", 0)]
    [InlineData("TlsProxy", "nonsense", 2)]
    [InlineData("TlsProxy", "--certificate /nonexistent localhost:1", 1)]
    [InlineData("Supervisor", "", 2)]
    [InlineData("Supervisor", "--pause no -- true", 2)]
    [InlineData("Supervisor", "-- /nonexistent", 127)]
    [InlineData("Cron", "", 2)]
    [InlineData("Cron", "'61 * * * *' true", 2)]
    [InlineData("Cron", "--zone Nowhere '1 * * * *' true", 2)]
    [InlineData("Tail", "--help", 0)]
    [InlineData("Tail", "", 2)]
    [InlineData("Tail", "/", 1)]
    [InlineData("Prompt", "nonsense", 2)]
    [InlineData("Worker", "--help", 0)]
    [InlineData("Worker", "--Interval never", 2)]
    public void A_wrong_use_gets_a_message_and_no_stack_trace(string sample, string arguments, int exitCode)
    {
        Spawn(Sample(sample), arguments);
        Assert.Equal(exitCode << 8, WaitForEnd());
        Assert.NotEmpty(Output);
        Assert.DoesNotContain("   at ", Output, StringComparison.Ordinal);
    }

    private void WaitFor(string text) => Assert.True(Posix.Until(() => Output.Contains(text, StringComparison.Ordinal), Patience), Output);

    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        Directory.Delete(_directory, recursive: true);
    }

    private static string Sample(string name) => Path.Combine("samples", name, $"{name}.dll");

    private static string Ask(IPEndPoint server, string request)
    {
        using Socket socket = Connect(server);
        socket.Send(Encoding.ASCII.GetBytes(request));
        using var reader = new StreamReader(new NetworkStream(socket));
        return reader.ReadToEnd();
    }

    private IPEndPoint StartServer(string sample, string arguments)
    {
        Spawn(Sample(sample), arguments);
        Assert.True(Posix.Until(() => Output.Contains("process ", StringComparison.Ordinal), Patience), Output);
        return IPEndPoint.Parse(Regex.Match(Output, @" on ([\d.:]+)").Groups[1].Value);
    }

    private void EndBySignal()
    {
        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(0, WaitForEnd());
    }
}
