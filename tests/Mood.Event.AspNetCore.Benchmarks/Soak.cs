using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>
/// Restarts a server repeatedly while clients send requests, reset their connections, stop reading, and send and read slowly. The
/// number of file descriptors and the memory must not grow.
/// </summary>
internal static class Soak
{
    internal static async Task<int> RunAsync(double minutes)
    {
        var watch = Stopwatch.StartNew();
        long requests = 0, resets = 0;
        int restarts = 0;
        (int Files, long Memory)? first = null;
        (int Files, long Memory) last = default;
        TimeSpan printed = TimeSpan.Zero;

        while (watch.Elapsed.TotalMinutes < minutes)
        {
            string contender = restarts % 2 == 0 ? Comparison.Pool : Comparison.Inline;

            await using (WebApplication app = await WebServer.StartAsync(contender))
            {
                int port = WebServer.PortOf(app);
                (int Asked, int Reset)[] done = await Task.WhenAll(Enumerable.Range(0, 40).Select(i => Task.Run(() => ClientAsync(port, i))));
                requests += done.Sum(d => d.Asked);
                resets += done.Sum(d => d.Reset);
                await app.StopAsync();
            }

            if (++restarts % 10 == 0)
            {
                last = Measure();

                if ((first is null && restarts >= 20) || watch.Elapsed - printed >= TimeSpan.FromMinutes(1))
                {
                    first ??= last;
                    printed = watch.Elapsed;
                    Console.WriteLine(
                        $"{watch.Elapsed:mm\\:ss}: {restarts} restarts, {requests} requests, {resets} resets; {last.Files} sockets, "
                        + $"{last.Memory / 1_000_000} MB, of which {GC.GetTotalMemory(false) / 1_000_000} MB are objects");
                }
            }
        }

        bool isGood = first is not null && last.Files <= first.Value.Files && last.Memory <= (first.Value.Memory * 1.2) + 20_000_000;
        Console.WriteLine(isGood ? "The soak has passed." : $"The soak has failed: it began with {first}, and ended with {last}.");
        return isGood ? 0 : 1;
    }

    private static async Task<(int Asked, int Reset)> ClientAsync(int port, int kind)
    {
        int asked = 0, reset = 0;

        for (int i = 0; i < 15; i++)
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };

            if (kind % 5 == 4)
            {
                socket.ReceiveBufferSize = 4096;
            }

            await socket.ConnectAsync(IPAddress.Loopback, port);

            switch (kind % 5)
            {
                case 0: // sends pipelined requests
                    await SendAsync(socket, string.Concat(Enumerable.Repeat("GET / HTTP/1.1\r\nHost: h\r\n\r\n", 10)));
                    await ReceiveAsync(socket, "Hello, World!", 10);
                    asked += 10;
                    break;
                case 1: // resets within a request
                    await SendAsync(socket, "POST /post HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\n01234567"[..(10 + (i * 3))]);
                    socket.LingerState = new LingerOption(true, 0);
                    reset++;
                    break;
                case 2: // does not read, and then resets
                    await SendAsync(socket, "GET /endless HTTP/1.1\r\nHost: h\r\n\r\n");
                    await Task.Delay(20);
                    socket.LingerState = new LingerOption(true, 0);
                    reset++;
                    break;
                case 3: // sends slowly
                    foreach (char c in "GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                    {
                        await SendAsync(socket, c.ToString());
                        await Task.Delay(1);
                    }

                    await ReceiveAsync(socket, "Hello, World!", 1);
                    asked++;
                    break;
                default: // reads slowly
                    await SendAsync(socket, "GET /large HTTP/1.1\r\nHost: h\r\n\r\n");
                    byte[] buffer = new byte[4096];

                    for (int received = 0; received < WebServer.LargeSize;)
                    {
                        received += await socket.ReceiveAsync(buffer) is > 0 and int count ? count : throw new EndOfStreamException();
                        await Task.Delay(1);
                    }

                    asked++;
                    break;
            }
        }

        return (asked, reset);
    }

    private static async Task SendAsync(Socket socket, string text) => await socket.SendAsync(Encoding.ASCII.GetBytes(text));

    private static async Task ReceiveAsync(Socket socket, string what, int times)
    {
        byte[] buffer = new byte[8192];
        string received = "";

        while (received.Split(what).Length <= times)
        {
            int count = await socket.ReceiveAsync(buffer);

            if (count == 0)
            {
                throw new EndOfStreamException();
            }

            received += Encoding.ASCII.GetString(buffer, 0, count);
        }
    }

    private static (int Files, long Memory) Measure()
    {
        for (int i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        int files = Directory.GetFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "")
            .Count(t => t.StartsWith("socket:", StringComparison.Ordinal) || t.StartsWith("anon_inode:", StringComparison.Ordinal));
        return (files, Environment.WorkingSet);
    }
}
