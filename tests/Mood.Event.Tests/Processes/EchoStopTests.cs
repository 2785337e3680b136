using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The end of the echo sample.</summary>
public sealed class EchoStopTests() : EchoStopTestBase(Path.Combine("echo", "Echo.dll"));

/// <summary>The end of the asynchronous echo sample.</summary>
public sealed class EchoAsyncStopTests() : EchoStopTestBase(Path.Combine("echo-async", "EchoAsync.dll"));

/// <summary>
/// A stop signal ends an echo server under load. Its report counts every connection that does not end regularly.
/// </summary>
public abstract class EchoStopTestBase(string program) : SampleTestBase
{
    private readonly List<Socket> _clients = [];
    private long _sent, _received, _trips;

    [Theory]
    [InlineData(15, "--backend Epoll")]
    [InlineData(2, "--backend Epoll")]
    [InlineData(15, "--backend Poll")]
    [InlineData(2, "--backend Select")]
    [InlineData(15, "--backend LinuxAio")]
    [InlineData(15, "--backend IoUring")]
    [InlineData(15, "--loops 3")]
    public async Task Under_load_a_signal_ends_each_connection_after_the_answers_to_all_bytes_that_the_server_has_read(int signum, string options)
    {
        const int count = 30, floods = 3;
        IPEndPoint server = Start(options);
        Task[] clients = [.. Enumerable.Range(0, count).Select(i => TalkAsync(NewClient(server), (byte)i, isFlood: i < floods))];
        Assert.True(await UntilAsync(() => Interlocked.Read(ref _trips) > 20 * count), Output);

        // timeout(1) sends its signal twice too.
        Posix.Kill(Pid, signum);
        Posix.Kill(Pid, signum);
        await Task.WhenAll(clients).WaitAsync(TimeSpan.FromSeconds(Patience));
        Assert.Equal(0, await Task.Run(() => WaitForEnd()));

        Stopped stopped = Report();
        Assert.Equal((count, count, 0, 0), (stopped.Accepted, stopped.Closed, stopped.Cut, stopped.Broken));
        Assert.Equal((_received, _received, _sent - _received), (stopped.In, stopped.Out, stopped.Late));
        Assert.DoesNotContain("xception", Output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--loops 1")]
    [InlineData("--loops 2")]
    public void Only_a_client_that_does_not_read_is_cut_and_counted(string options)
    {
        IPEndPoint server = Start(options);
        Socket deaf = NewClient(server);
        Fill(deaf);
        Socket idle = NewClient(server);
        Echo(idle);

        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(0, idle.Receive(new byte[1])); // at once, although the server still waits for the client that does not read
        idle.Shutdown(SocketShutdown.Send);
        Assert.Equal(0, WaitForEnd());

        Stopped stopped = Report();
        Assert.Equal((2, 1, 1, 0), (stopped.Accepted, stopped.Closed, stopped.Cut, stopped.Broken));
        Assert.True(stopped.In > stopped.Out, Output);
        CheckReset(deaf);
    }

    [Theory]
    [InlineData(2, "--loops 1")]
    [InlineData(15, "--loops 1")]
    [InlineData(15, "--loops 2")]
    public void A_second_signal_ends_the_server_at_once_and_it_names_and_counts_the_connections_it_cuts(int second, string options)
    {
        IPEndPoint server = Start(options);
        Socket deaf = NewClient(server);
        Fill(deaf);
        Socket idle = NewClient(server);
        Echo(idle);

        Posix.Kill(Pid, Signum.SIGTERM);
        Assert.Equal(0, idle.Receive(new byte[1]));
        Thread.Sleep(200); // within 50 ms the second signal would count as the same stop
        Posix.Kill(Pid, second);
        Assert.Equal(0, WaitForEnd());

        Stopped stopped = Report();
        Assert.Equal((2, 1, 1, 0), (stopped.Accepted, stopped.Closed, stopped.Cut, stopped.Broken));
        Assert.Matches(@"have not ended: Program\.Serve \(lambda\) \(main\)", Output);
        Assert.DoesNotContain("xception", Output, StringComparison.Ordinal);
        CheckReset(deaf);
    }

    [Fact]
    public void A_client_that_resets_its_connection_is_counted()
    {
        IPEndPoint server = Start(string.Empty);
        Socket client = NewClient(server);
        Echo(client);
        client.LingerState = new LingerOption(enable: true, seconds: 0);
        client.Dispose();
        Echo(NewClient(server)); // the server handles the reset before it answers this client

        Posix.Kill(Pid, Signum.SIGTERM);
        _clients[1].Receive(new byte[1]);
        _clients[1].Dispose();
        Assert.Equal(0, WaitForEnd());
        Stopped stopped = Report();
        Assert.Equal((2, 1, 0, 1), (stopped.Accepted, stopped.Closed, stopped.Cut, stopped.Broken));
        Assert.DoesNotContain("xception", Output, StringComparison.Ordinal);
    }

    protected override void Dispose(bool disposing)
    {
        _clients.ForEach(client => client.Dispose());
        base.Dispose(disposing);
    }

    private static async Task<bool> UntilAsync(Func<bool> holds)
    {
        for (int i = 0; i < Patience * 100 && !holds(); i++)
        {
            await Task.Delay(10);
        }

        return holds();
    }

    private static void Echo(Socket client)
    {
        client.Send([42]);
        Assert.Equal(1, client.Receive(new byte[2]));
    }

    // Sends until the server stops reading, because the client does not read the answers. The long wait distinguishes that from
    // a server that waits for a processor.
    private static void Fill(Socket client)
    {
        client.Blocking = false;

        while (client.Poll(TimeSpan.FromSeconds(1.5), SelectMode.SelectWrite))
        {
            client.TrySend(new byte[64 * 1024], out _);
        }

        client.Blocking = true;
    }

    // Asserts that the client receives a reset after the answers, and not the regular end of the stream.
    private static void CheckReset(Socket client) => Assert.Throws<SocketException>(() =>
    {
        while (client.Receive(new byte[64 * 1024]) > 0)
        {
        }
    });

    private IPEndPoint Start(string options)
    {
        Spawn(program, "--port 0 " + options);
        Assert.True(Posix.Until(() => Output.Contains("process ", StringComparison.Ordinal), Patience), Output);
        return IPEndPoint.Parse(Regex.Match(Output, @"echo server on (\S+),").Groups[1].Value);
    }

    private Socket NewClient(IPEndPoint server)
    {
        _clients.Add(Connect(server));
        return _clients[^1];
    }

    // Sends and receives until the server ends the connection. Asserts that the answers equal the bytes sent, and that the end
    // is a regular one.
    private async Task TalkAsync(Socket client, byte first, bool isFlood)
    {
        byte[] message = [.. Enumerable.Range(first, 1000).Select(i => (byte)(i * 7))];
        byte[] answer = new byte[isFlood ? 64 * 1024 : message.Length];
        byte[] expected = [.. Enumerable.Repeat(message, 70).SelectMany(bytes => bytes)];
        long sent = 0, received = 0;
        bool hasEnded = false;
        Task sending = isFlood ? SendAsync() : Task.CompletedTask;

        while (true)
        {
            if (!isFlood && sent == received)
            {
                await client.SendAsync(message);
                sent += message.Length;
                Interlocked.Increment(ref _trips);
            }

            int count = await client.ReceiveAsync(answer);

            if (count == 0)
            {
                break;
            }

            Assert.True(answer.AsSpan(0, count).SequenceEqual(expected.AsSpan((int)(received % message.Length), count)), $"byte {received}");
            received += count;
        }

        hasEnded = true;
        await sending;
        client.Shutdown(SocketShutdown.Send);
        Interlocked.Add(ref _sent, sent);
        Interlocked.Add(ref _received, received);

        async Task SendAsync()
        {
            while (!Volatile.Read(ref hasEnded))
            {
                sent += await client.SendAsync(message);
                await Task.Yield();
            }
        }
    }

    private Stopped Report()
    {
        Match match = Regex.Match(
            Output,
            @"stopped: (\d+) connections accepted, (\d+) closed, (\d+) cut, (\d+) reset by the client; (\d+) bytes read, (\d+) answered, (\d+) came too late");
        Assert.True(match.Success, Output);
        long[] numbers = [.. match.Groups.Values.Skip(1).Select(group => long.Parse(group.Value, CultureInfo.InvariantCulture))];
        return new Stopped(numbers[0], numbers[1], numbers[2], numbers[3], numbers[4], numbers[5], numbers[6]);
    }

    private sealed record Stopped(long Accepted, long Closed, long Cut, long Broken, long In, long Out, long Late);
}
