using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/servers.md.</summary>
public sealed class ServersGuide : FdTestBase
{
    [Fact]
    public async Task A_server()
    {
        Task<IPEndPoint> listening = Console.Listening.Task;
        Task server = Task.Run(Main);
        await TalkAsync(await listening);
        Ev.FeedSignal(Signum.SIGTERM);
        await server;

        static void Main()
        {
            using var loop = new Loop();

            loop.Run(async stop =>
            {
                await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), EchoAsync);
                Console.WriteLine($"listening on {server.EndPoint}"); // port 0 takes a free one
                await server.RunAsync(stop); // until Ctrl-C or SIGTERM cancels the token
            });

            static async Task EchoAsync(LoopStream stream, CancellationToken token)
            {
                byte[] buffer = new byte[4096];

                while (await stream.ReadAsync(buffer, token) is int count and > 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, count), token);
                }
            }
        }
    }

    [Fact]
    public void An_idle_connection_does_not_hold_the_stop()
    {
        using var loop = new Loop();
        using var source = new CancellationTokenSource();
        CancellationToken stop = source.Token;
        EndPoint endPoint = new IPEndPoint(IPAddress.Loopback, 0);
        var clock = Stopwatch.StartNew();

        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, endPoint, (stream, token) => EchoUntilAsync(stream, stop, token));
            await using LoopStream client = await LoopStream.ConnectAsync(loop, server.EndPoint);
            byte[] buffer = new byte[1];
            await client.WriteAsync(new byte[] { 42 });
            Assert.Equal(1, await client.ReadAsync(buffer));
            await source.CancelAsync();
            await server.StopAsync(TimeSpan.FromDays(1)); // the idle client is still connected
            Assert.Equal(0, await client.ReadAsync(buffer));
        });
        Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));

        static async Task EchoUntilAsync(LoopStream stream, CancellationToken stop, CancellationToken token)
        {
            byte[] buffer = new byte[4096];

            try
            {
                while (await stream.ReadAsync(buffer, stop) is int count and > 0)
                {
                    await stream.WriteAsync(buffer.AsMemory(0, count), token); // `stop` does not cut an answer
                }
            }
            catch (OperationCanceledException) when (stop.IsCancellationRequested)
            {
                // the server stops while this connection is idle
            }
        }
    }

    // Each guest sends a line as soon as all are there, and gets the lines of all. One guest sends more lines than a queue holds.
    [Fact]
    public void No_guest_is_dropped_because_of_a_burst_of_lines() => Broadcast(async (loop, server, guests) =>
    {
        const int Guests = 300, Burst = 300;
        int complete = 0;

        async Task VisitAsync(int lines)
        {
            await using LoopStream client = await LoopStream.ConnectAsync(loop, server.EndPoint);
            await UntilAsync(loop, () => guests() == Guests);
            await client.WriteAsync(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("x\n", lines))));
            await client.ReadExactlyAsync(new byte["x\n".Length * (Guests - 1 + Burst)]);
            complete++;
            await UntilAsync(loop, () => complete == Guests);
        }

        await Task.WhenAll(Enumerable.Range(0, Guests).Select(i => VisitAsync(i == 0 ? Burst : 1)));
    });

    // The lines are larger than the kernel's buffers and the queue together.
    [Fact]
    public void A_guest_that_reads_nothing_is_dropped_and_nothing_is_reported() => Broadcast(async (loop, server, guests) =>
    {
        const int Lines = 600;
        byte[] line = [.. Enumerable.Repeat((byte)'x', 64 * 1024), (byte)'\n'];
        await using LoopStream slow = await LoopStream.ConnectAsync(loop, server.EndPoint);
        await using LoopStream client = await LoopStream.ConnectAsync(loop, server.EndPoint);
        await UntilAsync(loop, () => guests() == 2);
        Task reading = client.ReadExactlyAsync(new byte[Lines * line.Length]).AsTask();

        for (int i = 0; i < Lines; i++)
        {
            await client.WriteAsync(line);
        }

        await reading;
        Assert.Equal(1, guests());
    });

    [Fact]
    public void A_guest_that_resets_its_connection_is_not_reported() => Broadcast(async (loop, server, guests) =>
    {
        await using LoopStream client = await LoopStream.ConnectAsync(loop, server.EndPoint);
        await UntilAsync(loop, () => guests() == 1);
        client.Socket.LingerState = new LingerOption(true, 0);
        await client.DisposeAsync();
        await UntilAsync(loop, () => guests() == 0);
    });

    [Fact]
    public void Limits()
    {
        var options = new LoopServerOptions
        {
            MaxConnections = 1000,                     // further connections wait in the backlog
            Backlog = 256,                             // how many connections the kernel keeps waiting
            IdleTimeout = TimeSpan.FromMinutes(1),     // closes a connection without a completed read or write
            ShutdownTimeout = TimeSpan.FromSeconds(5), // the grace of RunAsync
        };

        Assert.Equal(256, options.Backlog);
    }

    /// <summary>Runs the server that broadcasts, and a function that visits it. Nothing may be reported to CallbackException.</summary>
    private static void Broadcast(Func<Loop, LoopServer, Func<int>, Task> visit)
    {
        using var loop = new Loop();
        var errors = new List<Exception>();
        loop.CallbackException += (_, e) => errors.Add(e.Exception);
        var queues = new Dictionary<LoopStream, ChannelWriter<string>>();

        async Task ServeAsync(LoopStream stream, CancellationToken token)
        {
            var queue = Channel.CreateBounded<string>(256);
            queues.Add(stream, queue.Writer);

            try
            {
                await Task.WhenAll(ReceiveAsync(stream, queue.Writer, token), SendAsync(stream, queue.Reader, token));
            }
            catch (Exception e) when (e is IOException or ObjectDisposedException)
            {
                // the guest has reset the connection, or was too slow, so that its stream was disposed
            }
        }

        async Task ReceiveAsync(LoopStream stream, ChannelWriter<string> queue, CancellationToken token)
        {
            using var reader = new StreamReader(stream, leaveOpen: true);

            try
            {
                while (await reader.ReadLineAsync(token) is string line)
                {
                    foreach ((LoopStream peer, ChannelWriter<string> lines) in queues.ToArray()) // a copy: guests come and go during the wait
                    {
                        if (!lines.TryWrite(line) && !await WriteInTimeAsync(lines, line))
                        {
                            peer.Dispose(); // its queue was full for a second: it is too slow
                        }
                    }
                }
            }
            finally
            {
                queues.Remove(stream);
                queue.Complete(); // SendAsync ends when the queue is empty
            }
        }

        // False: the queue was full for a second.
        async Task<bool> WriteInTimeAsync(ChannelWriter<string> lines, string line)
        {
            using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(1), loop.TimeProvider);

            try
            {
                await lines.WriteAsync(line, limit.Token);
                return true;
            }
            catch (OperationCanceledException)
            {
                return false;
            }
            catch (ChannelClosedException)
            {
                return true; // the guest has left
            }
        }

        async Task SendAsync(LoopStream stream, ChannelReader<string> lines, CancellationToken token)
        {
            while (await lines.WaitToReadAsync(token))
            {
                while (lines.TryRead(out string? line))
                {
                    await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), token);
                }
            }
        }

        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(
                loop, new IPEndPoint(IPAddress.Loopback, 0), ServeAsync, new LoopServerOptions { Backlog = 300 });
            await visit(loop, server, () => queues.Count);
            await server.StopAsync(TimeSpan.FromSeconds(30));
        });
        Assert.Empty(queues);
        Assert.Empty(errors);
    }

    private static async Task UntilAsync(Loop loop, Func<bool> condition)
    {
        for (var clock = Stopwatch.StartNew(); !condition();)
        {
            Assert.InRange(clock.Elapsed, TimeSpan.Zero, TimeSpan.FromSeconds(30));
            await loop.Delay(0.01);
        }
    }

    private static async Task TalkAsync(IPEndPoint server)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(server);
        byte[] buffer = new byte[1];
        await client.GetStream().WriteAsync(new byte[] { 42 });
        Assert.Equal(1, await client.GetStream().ReadAsync(buffer));
        Assert.Equal(42, buffer[0]);
    }

    /// <summary>Stands for the console: takes the address from the line that the server writes.</summary>
    private static class Console
    {
        public static TaskCompletionSource<IPEndPoint> Listening { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public static void WriteLine(string line) => Listening.SetResult(IPEndPoint.Parse(line.Split(' ')[^1]));
    }
}
