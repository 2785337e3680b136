using System;
using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A server in a process of its own.</summary>
public sealed class ProcessTests
{
    private const int Deadline = 60_000;

    /// <summary>Every request that a handler has begun is answered, and the process ends.</summary>
    [Theory(Timeout = Deadline)]
    [EachMode]
    public async Task SIGTERM_under_load_loses_no_request(Mode mode)
    {
        using Process process = Start(mode, "");

        try
        {
            int port = await PortAsync(process), answers = 0;
            Task clients = Task.WhenAll(Enumerable.Range(0, 30).Select(async _ =>
            {
                using RawClient client = await ConnectAsync(port);

                try
                {
                    for (int i = 1; ; i++)
                    {
                        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
                        await client.ReceiveAsync(s => s.Split("\r\n0\r\n\r\n").Length > i);
                        Interlocked.Increment(ref answers);
                    }
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    // the server has closed the connection after an answer
                }
            }));

            while (Volatile.Read(ref answers) < 300)
            {
                await Task.Delay(10);
            }

            // the kill that the shell contains, because the program kill is not installed everywhere
            using (Process kill = Process.Start("sh", ["-c", $"kill -s TERM {process.Id}"]))
            {
                await kill.WaitForExitAsync();
            }

            await clients;
            string output = await process.StandardOutput.ReadToEndAsync();
            await process.WaitForExitAsync();
            Assert.Equal(0, process.ExitCode);
            Assert.Equal($"begun {answers} ended {answers}\n", output);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    /// <summary>Without free file descriptors, the server waits until there are some. (Kestrel's own transport never accepts
    /// again.)</summary>
    [Theory(Timeout = Deadline)]
    [InlineData(Mode.Pool)]
    [InlineData(Mode.Inline)]
    public async Task A_server_without_free_file_descriptors_accepts_again_when_some_are_free(Mode mode)
    {
        using Process process = Start(mode, "ulimit -n 260;");

        try
        {
            int port = await PortAsync(process);
            using RawClient first = await ConnectAsync(port);
            await AskAsync(first);
            var clients = new ConcurrentBag<RawClient>();

            // more than the limit: the last ones wait in the backlog
            for (int i = 0; i < 260; i++)
            {
                clients.Add(await ConnectAsync(port));
            }

            await Task.Delay(300);

            foreach (RawClient client in clients)
            {
                client.Dispose();
            }

            using RawClient last = await ConnectAsync(port);
            await AskAsync(last);
        }
        finally
        {
            process.Kill(entireProcessTree: true);
        }
    }

    private static async Task AskAsync(RawClient client)
    {
        await client.SendAsync("GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        await client.ReceiveAsync("hello");
    }

    private static async Task<RawClient> ConnectAsync(int port)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawClient(socket);
    }

    private static Process Start(Mode mode, string before) => Process.Start(new ProcessStartInfo(
        "sh", ["-c", $"{before} exec \"$@\"", "sh", Environment.ProcessPath!, typeof(ProcessTests).Assembly.Location, mode.ToString()])
    {
        RedirectStandardOutput = true,
    })!;

    private static async Task<int> PortAsync(Process process) =>
        int.Parse(await process.StandardOutput.ReadLineAsync() ?? "", CultureInfo.InvariantCulture);
}
