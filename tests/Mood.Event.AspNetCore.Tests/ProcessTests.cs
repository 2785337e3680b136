using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A server in a process of its own.</summary>
public sealed class ProcessTests
{
    private const int Deadline = 60_000;

    /// <summary>Every request whose handler has begun is answered, and then the process ends.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task SIGTERM_under_load_loses_no_request(Mode mode)
    {
        using ServerProcess server = await ServerProcess.StartAsync(mode);
        int answers = 0;
        Task clients = Task.WhenAll(Enumerable.Range(0, 30).Select(async _ =>
        {
            using RawClient client = await server.ConnectAsync();

            try
            {
                for (int i = 1; ; i++)
                {
                    await client.SendAsync("GET /counted HTTP/1.1\r\nHost: h\r\n\r\n");
                    await client.ReceiveAsync(s => s.Split("\r\n0\r\n\r\n").Length > i);
                    Interlocked.Increment(ref answers);
                }
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The server has closed the connection after an answer.
            }
        }));
        await TerminateAfterAsync(server, () => Volatile.Read(ref answers) >= 300);
        await clients;
        Assert.Equal($"begun {answers} ended {answers}\n", await server.ToEndAsync());
    }

    /// <summary>Each request has a connection of its own, so that connections wait to be accepted when the signal comes.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task SIGTERM_under_load_of_new_connections_loses_no_request(Mode mode)
    {
        using ServerProcess server = await ServerProcess.StartAsync(mode);
        int answers = 0, asked = 0;
        Task clients = Task.WhenAll(Enumerable.Range(0, 30).Select(async _ =>
        {
            try
            {
                while (Interlocked.Increment(ref asked) < 10_000) // far fewer than the 28,000 ports that Linux has for clients
                {
                    using RawClient client = await server.ConnectAsync();
                    await client.SendAsync("GET /counted HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
                    string answer = await client.ReceiveToEndAsync();

                    if (!answer.EndsWith("hello\r\n0\r\n\r\n", StringComparison.Ordinal))
                    {
                        Assert.Equal("", answer);
                        return; // the server has begun to stop before the request arrived
                    }

                    Interlocked.Increment(ref answers);
                }
            }
            catch (SocketException)
            {
                // The server no longer listens.
            }
        }));
        await TerminateAfterAsync(server, () => Volatile.Read(ref answers) >= 300);
        await clients;
        Assert.Equal($"begun {answers} ended {answers}\n", await server.ToEndAsync());
    }

    /// <summary>
    /// Without free file descriptors, the server waits until there are some. (Kestrel's own transport never accepts again.) It leaves some
    /// to the runtime, which would otherwise end the process.
    /// </summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_server_without_free_file_descriptors_accepts_again_when_some_are_free(Mode mode)
    {
        using ServerProcess server = await ServerProcess.StartAsync(mode, "ulimit -n 260; exec");
        using RawClient first = await server.ConnectAsync();
        await AskAsync(first);
        var clients = new ConcurrentBag<RawClient>();
        int free = 8;

        // There are more connections than file descriptors, so the last ones wait in the backlog. The loop lasts for 3 seconds at least,
        // in which the server could accept too many.
        var watch = Stopwatch.StartNew();

        for (int i = 1; i <= 260 || watch.Elapsed < TimeSpan.FromSeconds(3); i++)
        {
            if (i <= 260)
            {
                clients.Add(await server.ConnectAsync());
            }

            else
            {
                await Task.Delay(20);
            }

            await first.SendAsync("GET /free HTTP/1.1\r\nHost: h\r\n\r\n");
            string answers = await first.ReceiveAsync(s => HttpTests.Numbers(s).Length == i);
            free = Math.Min(free, HttpTests.Numbers(answers)[^1]);
        }

        Assert.InRange(free, 4, 8);

        foreach (RawClient client in clients)
        {
            client.Dispose();
        }

        using RawClient last = await server.ConnectAsync();
        await AskAsync(last);
    }

    /// <summary>
    /// The program holds so many files that the server cannot fill its reserve again. The connections do not end, so no file descriptor
    /// becomes free.
    /// </summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task With_few_file_descriptors_and_lasting_connections_a_server_accepts_without_its_reserve(Mode mode)
    {
        using ServerProcess server = await ServerProcess.StartAsync(mode, "ulimit -n 260; exec");
        using RawClient first = await server.ConnectAsync();
        await first.SendAsync("GET /hold HTTP/1.1\r\nHost: h\r\n\r\n");
        await first.ReceiveAsync("\r\n0\r\n\r\n");
        var clients = new List<RawClient>();

        for (int i = 0; i < 7; i++) // the fourth one, for example, gets one of the last 16 numbers
        {
            clients.Add(await server.ConnectAsync());
            await AskAsync(clients[i]);
        }

        clients.ForEach(client => client.Dispose());
    }

    /// <summary>
    /// Perl plays the part of systemd: it passes the listening socket as file descriptor 3, and sets LISTEN_PID and LISTEN_FDS.
    /// </summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task A_server_listens_on_a_socket_from_systemd(Mode mode)
    {
        if (Tool.Find("perl") is not string perl)
        {
            return;
        }

        const string Manager = """
            $^F = 255;
            my $s = IO::Socket::INET->new(Listen => 100, LocalAddr => "127.0.0.1") or die $!;
            fileno($s) == 3 || defined dup2(fileno($s), 3) or die $!;
            $ENV{LISTEN_PID} = $$;
            $ENV{LISTEN_FDS} = 1;
            exec @ARGV;
            """;
        using ServerProcess server = await ServerProcess.StartAsync(mode, $"exec {perl} -MIO::Socket::INET -MPOSIX=dup2 -e '{Manager}'");
        using RawClient client = await server.ConnectAsync();
        await AskAsync(client);
        await server.TerminateAsync();
        await server.ToEndAsync();
    }

    /// <summary>10,000 connections at the same time, or as many as the limit of this process allows. Each sends two requests.</summary>
    [Theory(Timeout = 5 * Deadline)]
    [EachMode]
    public async Task Ten_thousand_connections_are_served(Mode mode)
    {
        int count = Math.Min(10_000, FileDescriptors.Limit() - 1000);

        if (count < 10_000)
        {
            Console.WriteLine($"Not tested with more than {count} connections: the limit of file descriptors does not allow more.");
        }

        using ServerProcess server = await ServerProcess.StartAsync(mode);
        var clients = new Socket[count];
        byte[] buffer = new byte[1000];

        for (int i = 0; i < count; i++)
        {
            clients[i] = (await server.ConnectAsync()).Socket;
        }

        for (int round = 0; round < 2; round++)
        {
            for (int i = 0; i < count; i++)
            {
                clients[i].Send(Encoding.ASCII.GetBytes($"GET /number?{i + round} HTTP/1.1\r\nHost: h\r\n\r\n"));
            }

            for (int i = 0; i < count; i++)
            {
                string answer = "";

                while (!answer.EndsWith("\r\n0\r\n\r\n", StringComparison.Ordinal))
                {
                    int length = await clients[i].ReceiveAsync(buffer);
                    Assert.NotEqual(0, length);
                    answer += Encoding.ASCII.GetString(buffer, 0, length);
                }

                Assert.Contains($"[{i + round}]", answer, StringComparison.Ordinal);
            }
        }

        Array.ForEach(clients, c => c.Dispose());
        using RawClient last = await server.ConnectAsync();
        await AskAsync(last);
        await server.TerminateAsync();
        await server.ToEndAsync();
    }

    /// <summary>300 MB in each direction, or the number in MOOD_EVENT_MEGABYTES, do not increase the memory of the server.</summary>
    [Theory(Timeout = 10 * Deadline)]
    [EachMode]
    public async Task Large_requests_do_not_increase_the_memory_of_the_server(Mode mode)
    {
        int size = (int)(1_000_000L * int.Parse(Environment.GetEnvironmentVariable("MOOD_EVENT_MEGABYTES") ?? "300", CultureInfo.InvariantCulture) / 3);
        using ServerProcess server = await ServerProcess.StartAsync(mode);
        using RawClient client = await server.ConnectAsync();
        await ThroughAsync(client, 30_000_000); // the first large request may increase the memory
        long before = server.Memory();

        for (int i = 0; i < 3; i++)
        {
            await ThroughAsync(client, size);
            Assert.InRange(server.Memory(), 0, before + 60_000_000);
        }
    }

    private static async Task ThroughAsync(RawClient client, int size)
    {
        byte[] buffer = new byte[1_000_000];
        await client.SendAsync($"POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: {size}\r\n\r\n");
        Task sending = Task.Run(async () =>
        {
            byte[] content = new byte[1_000_000];

            for (int rest = size; rest > 0;)
            {
                rest -= await client.Socket.SendAsync(content.AsMemory(0, Math.Min(rest, content.Length)));
            }
        });
        long received = 0;
        byte[] last = [];

        // The answer has as many zeros as the request, and ends with an empty chunk.
        while (!last.AsSpan().EndsWith("\r\n0\r\n\r\n"u8))
        {
            int count = await client.Socket.ReceiveAsync(buffer);
            Assert.NotEqual(0, count);
            received += buffer.AsSpan(0, count).Count((byte)0);
            last = [.. last.TakeLast(10), .. buffer[Math.Max(0, count - 10)..count]];
        }

        await sending;
        Assert.Equal(size, received);
    }

    private static async Task TerminateAfterAsync(ServerProcess server, Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10);
        }

        await server.TerminateAsync();
    }

    private static async Task AskAsync(RawClient client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("hello");
    }
}
