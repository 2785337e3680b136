using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Many operations at once on sockets of Windows and its AFD driver, or of Wine's server, which replaces the driver.</summary>
public sealed class WindowsTortureTests : FdTestBase
{
    private const double Long = 120;

    [Fact]
    public void A_thousand_connections_at_once()
    {
        const int count = 1000;
        using var loop = new Loop(LoopFlags.NoEnv);
        int answered = 0;
        loop.Run(async () =>
        {
            await using LoopServer server = LoopServer.Listen(loop, new IPEndPoint(IPAddress.Loopback, 0), EchoAsync, new LoopServerOptions { Backlog = count });
            var clients = new List<LoopStream>();

            for (int i = 0; i < count; i++)
            {
                clients.Add(await LoopStream.ConnectAsync(loop, server.EndPoint));
            }

            await Task.WhenAll(clients.Select(async (client, i) =>
            {
                byte[] message = BitConverter.GetBytes(i), answer = new byte[4];
                await client.WriteAsync(message);
                await client.ReadExactlyAsync(answer);
                Assert.Equal(message, answer);
                answered++;
            }));
            Assert.Equal(count, server.ConnectionCount);
            clients.ForEach(c => c.Dispose());
        });
        Assert.Equal(count, answered);
    }

    [Fact]
    public void Sixty_four_megabytes_with_backpressure()
    {
        const long total = 64 << 20;
        using var loop = new Loop(LoopFlags.NoEnv);
        (Socket client, Socket server) = NewConnection();
        client.Blocking = server.Blocking = false;
        byte[] block = [.. Enumerable.Range(0, 65536).Select(i => (byte)i)], buffer = new byte[60000];
        long sent = 0, received = 0;
        int full = 0;
        loop.Io(client, Events.Write, (io, _) =>
        {
            int offset = (int)(sent % block.Length);

            while (sent < total && client.TrySend(block.AsSpan(offset), out int count))
            {
                sent += count;
                offset = (int)(sent % block.Length);
            }

            full++;

            if (sent == total)
            {
                io.Stop();
            }
        }).Start();
        loop.Io(server, Events.Read, (io, _) =>
        {
            if (!server.TryReceive(buffer, out int count))
            {
                return;
            }

            for (int i = 0; i < count; i += 997)
            {
                Assert.Equal((byte)(received + i), buffer[i]);
            }

            received += count;

            if (received == total)
            {
                io.Stop();
            }
        }).Start();
        RunUntilEnd(loop);
        Assert.Equal((total, total), (sent, received));
        Assert.True(full > 1, "the sender never had to wait");
    }

    [Fact]
    public void A_connect_that_is_refused_and_one_that_takes_too_long()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        using Socket unused = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        unused.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // bound, but not listening
        loop.Run(async () =>
        {
            using (Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            {
                SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await socket.ConnectAsync(loop, unused.LocalEndPoint!));
                Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
            }

            using (Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
            using (var source = new CancellationTokenSource(TimeSpan.FromSeconds(0.3)))
            {
                // This address does not answer. A machine without a network refuses the connection at once.
                Exception e = await Assert.ThrowsAnyAsync<Exception>(
                    async () => await socket.ConnectAsync(loop, new IPEndPoint(IPAddress.Parse("192.0.2.1"), 9), source.Token));
                Assert.True(e is OperationCanceledException or SocketException, e.ToString());
            }
        });
    }

    [Fact]
    public void A_connection_that_is_reset()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        (Socket client, Socket server) = NewConnection();
        client.Blocking = server.Blocking = false;
        loop.Run(async () =>
        {
            ValueTask<int> receive = server.ReceiveAsync(loop, new byte[10]);
            client.LingerState = new LingerOption(true, 0);
            client.Dispose();
            SocketException e = await Assert.ThrowsAsync<SocketException>(async () => await receive);
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
        });
    }

    /// <summary>Under Wine some of the receives return 0 instead of throwing.</summary>
    [Fact]
    public void Two_hundred_connections_that_are_reset_end_their_waits()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        int ended = 0;
        loop.Run(async () =>
        {
            for (int i = 0; i < 200; i++)
            {
                (Socket client, Socket server) = NewConnection();
                client.Blocking = server.Blocking = false;
                ValueTask<int> receive = server.ReceiveAsync(loop, new byte[10]);

                if (i % 2 == 0)
                {
                    await Task.Yield(); // gives the port the time to watch the socket before the reset
                }

                client.LingerState = new LingerOption(true, 0);
                client.Dispose();

                try
                {
                    Assert.Equal(0, await receive);
                }
                catch (SocketException e)
                {
                    Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
                }

                ended++;
                server.Dispose();
            }
        });
        Assert.Equal(200, ended);
    }

    [Fact]
    public void A_connect_that_a_full_listener_does_not_answer_ends_with_its_token()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        using Socket listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(1);
        var sockets = new List<Socket>();
        int cancelled = 0;
        loop.Run(async () =>
        {
            while (cancelled < 3)
            {
                Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                sockets.Add(socket);
                Assert.InRange(sockets.Count, 1, 1000);
                using var source = new CancellationTokenSource(TimeSpan.FromSeconds(0.3));

                try
                {
                    await socket.ConnectAsync(loop, listener.LocalEndPoint!, source.Token);
                }
                catch (OperationCanceledException)
                {
                    cancelled++;
                }
            }
        });
        sockets.ForEach(s => s.Dispose());
    }

    [Fact]
    public void A_connection_that_is_closed_in_one_direction()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        (Socket client, Socket server) = NewConnection();
        client.Blocking = server.Blocking = false;
        loop.Run(async () =>
        {
            byte[] buffer = new byte[10];
            client.Shutdown(SocketShutdown.Send);
            Assert.Equal(0, await server.ReceiveAsync(loop, buffer));
            await server.SendAsync(loop, new byte[] { 1, 2, 3 });
            Assert.Equal(3, await client.ReceiveAsync(loop, buffer));
        });
    }

    [Fact]
    public void Sockets_that_are_closed_while_they_are_watched()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        var ios = new List<Io>();

        for (int i = 0; i < 50; i++)
        {
            (Socket client, _) = NewConnection();
            Io io = loop.Io(client, Events.Read, (_, _) => { });
            io.Start();
            ios.Add(io);
            loop.Start(RunFlags.NoWait);
            client.Dispose();
        }

        RunUntilEnd(loop); // no watcher is active after a search for closed handles
        Assert.DoesNotContain(ios, io => io.IsActive);
    }

    [Fact]
    public void Ten_thousand_sockets_with_numbers_that_were_watched_before()
    {
        using var loop = new Loop(LoopFlags.NoEnv);
        var numbers = new HashSet<int>();
        int reused = 0, heard = 0;
        byte[] buffer = new byte[4];

        for (int i = 0; i < 10000; i++)
        {
            using Socket socket = new(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
            reused += numbers.Add((int)socket.Handle) ? 0 : 1;
            Io io = loop.Io((int)socket.Handle, Events.Read, (w, _) =>
            {
                heard += socket.Receive(buffer);
                w.Stop();
            });
            io.Start();

            if (i % 2 == 0)
            {
                loop.Start(RunFlags.NoWait); // registers the socket before it is readable
            }

            socket.SendTo([1], socket.LocalEndPoint!);
            Assert.False(loop.Start());
        }

        Assert.Equal(10000, heard);
        Assert.True(reused > 9000, $"only {reused} numbers were used again");
    }

    [Fact]
    public void Sixteen_threads_send_and_post()
    {
        const int each = 10000;
        using var loop = new Loop(LoopFlags.NoEnv);
        int posted = 0, sent = 0, seen = 0;
        Async async = loop.Async((_, _) => seen = Volatile.Read(ref sent));
        async.Start();
        Thread[] threads = [.. Enumerable.Range(0, 16).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < each; i++)
            {
                Interlocked.Increment(ref sent);
                async.Send();
                loop.Post(() => posted++);
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        loop.Timer(0.01, 0.01, (t, _) =>
        {
            if (posted == 16 * each && seen == 16 * each)
            {
                async.Stop();
                t.Stop();
            }
        }).Start();
        RunUntilEnd(loop);
        Array.ForEach(threads, t => t.Join());
        Assert.Equal((16 * each, 16 * each), (posted, seen));
    }

    [Fact]
    public void Ten_thousand_loops_lose_no_handle()
    {
        const int some = 50; // the runtime may open some handles
        Make(100);
        using Process self = Process.GetCurrentProcess();
        (int count, long number) = (self.HandleCount, NewHandle());
        Make(10000);
        self.Refresh();
        Assert.InRange(self.HandleCount, 0, count + some); // Wine 8 reports 0
        Assert.InRange(NewHandle(), 0, number + (4 * some)); // handles are multiples of 4, and free values are reused

        static void Make(int count)
        {
            for (int i = 0; i < count; i++)
            {
                using var loop = new Loop(LoopFlags.NoEnv);
                loop.Timer(0, 0, (_, _) => { }).Start();
                Assert.False(loop.Start());
            }
        }

        // Returns the highest of many new handles, because there may be gaps.
        static long NewHandle()
        {
            EventWaitHandle[] handles = [.. Enumerable.Range(0, some).Select(_ => new ManualResetEvent(false))];
            long highest = handles.Max(h => (long)h.SafeWaitHandle.DangerousGetHandle());
            Array.ForEach(handles, h => h.Dispose());
            return highest;
        }
    }

    private static async Task EchoAsync(LoopStream stream, CancellationToken cancellationToken)
    {
        byte[] buffer = new byte[4096];

        while (await stream.ReadAsync(buffer, cancellationToken) is int count and > 0)
        {
            await stream.WriteAsync(buffer.AsMemory(0, count), cancellationToken);
        }
    }

    private static void RunUntilEnd(Loop loop)
    {
        using Timer limit = loop.Timer(Long, 0, (_, _) => loop.Stop(BreakHow.All));
        limit.KeepAlive = false;
        loop.Now(update: true);
        limit.Start();
        Assert.False(loop.Start(), "the loop does not end");
    }
}
