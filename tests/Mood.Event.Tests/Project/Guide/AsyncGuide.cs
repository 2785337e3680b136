using System;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/async.md.</summary>
public sealed class AsyncGuide : FdTestBase
{
    [Fact]
    public void Waiting_a_time()
    {
        var log = new StringWriter();

        using var loop = new Loop();

        loop.Run(async () =>
        {
            for (int i = 3; i > 0; i--)
            {
                log.WriteLine(i);
                await loop.Delay(0.1); // other watchers are called meanwhile, on this same thread
            }
        });

        Assert.Equal(["3", "2", "1"], log.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    [Fact]
    public void Two_things_at_a_time()
    {
        using var loop = new Loop();
        List<string> log = [];

        loop.Run(async () =>
        {
            await Task.WhenAll(SayAsync("tick", 0.02), SayAsync("tock", 0.03));

            async Task SayAsync(string word, double seconds)
            {
                for (int i = 0; i < 3; i++)
                {
                    await loop.Delay(seconds);
                    log.Add(word); // on one thread, so no lock is needed
                }
            }
        });

        Assert.Equal(6, log.Count);
    }

    [Fact]
    public void Giving_up()
    {
        using var loop = new Loop();
        (int fd, _) = NewPipe();
        bool gaveUp = false;

        loop.Run(async () =>
        {
            using var timeout = new CancellationTokenSource(TimeSpan.FromMilliseconds(50));

            try
            {
                await loop.WaitAsync(fd, Events.Read, timeout.Token);
            }
            catch (OperationCanceledException)
            {
                gaveUp = true; // on the loop's thread; no watcher is left active
            }
        });

        Assert.True(gaveUp);
    }

    [Fact]
    public void A_server()
    {
        using var loop = new Loop();
        using Socket listener = NewListener();
        string? answer = null;

        loop.Run(async () =>
        {
            using var stop = new CancellationTokenSource();
            Task serving = ServeAsync(loop, listener, stop.Token);
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(loop, listener.LocalEndPoint!);
            await socket.SendAsync(loop, "hello"u8.ToArray());
            socket.Shutdown(SocketShutdown.Send);
            byte[] buffer = new byte[100];
            answer = Encoding.ASCII.GetString(buffer, 0, await socket.ReceiveAsync(loop, buffer));
            Assert.Equal(0, await socket.ReceiveAsync(loop, buffer));
            await stop.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => serving);
        });

        Assert.Equal("hello", answer);

        static async Task ServeAsync(Loop loop, Socket listener, CancellationToken stop)
        {
            while (true)
            {
                Socket socket = await listener.AcceptAsync(loop, stop);
                _ = loop.Spawn(() => EchoAsync(loop, socket));
            }
        }

        static async Task EchoAsync(Loop loop, Socket socket)
        {
            using Socket closed = socket;
            byte[] buffer = new byte[4096];

            while (await socket.ReceiveAsync(loop, buffer) is int count and > 0)
            {
                await socket.SendAsync(loop, buffer.AsMemory(0, count));
            }
        }
    }

    [Fact]
    public void A_client_of_HTTP()
    {
        using var loop = new Loop();
        using Socket listener = NewListener();
        var url = new Uri($"http://localhost:{((IPEndPoint)listener.LocalEndPoint!).Port}/");
        string? page = null;

        loop.Run(async () =>
        {
            Task serving = AnswerAsync();

            using var handler = new SocketsHttpHandler
            {
                ConnectCallback = async (context, token) => await LoopStream.ConnectAsync(loop, context.DnsEndPoint, token),
            };
            using var http = new HttpClient(handler);
            page = await http.GetStringAsync(url);

            await serving;
        });

        Assert.Equal("hello", page);

        async Task AnswerAsync()
        {
            await using var stream = new LoopStream(loop, await listener.AcceptAsync(loop), ownsSocket: true);
            using var reader = new StreamReader(stream);

            while (await reader.ReadLineAsync() is { Length: > 0 })
            {
            }

            await stream.WriteAsync("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"u8.ToArray());
        }
    }

    [Fact]
    public void Signals_and_children()
    {
        using Loop loop = Loop.GetDefault();
        int reloads = 0, exitCode = -1;
        loop.Timer(0.01, 0, (_, _) => Posix.Raise(Signum.SIGHUP)).Start();

        loop.Run(async () =>
        {
            await foreach (int signum in loop.Signals(Signum.SIGHUP))
            {
                reloads++;
                break; // without it, the next signal runs the body again
            }
        });

        loop.Run(async () =>
        {
            using var process = System.Diagnostics.Process.Start("sh", ["-c", "exit 3"]);
            Child child = await loop.WaitForExitAsync(process);
            exitCode = child.ExitCode;
        });

        Assert.Equal((1, 3), (reloads, exitCode));
    }
}
