using System;
using System.Buffers;
using System.Collections.Generic;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Sockets awaited on a loop.</summary>
public sealed class SocketExtensionsTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_server_and_a_client_talk_on_one_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();

        foreach (bool withContext in new[] { true, false })
        {
            Drive(loop, async () =>
            {
                Task serving = ServeAsync();
                using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                await client.ConnectAsync(loop, listener.LocalEndPoint!);
                Assert.True(client.Connected);
                Assert.Equal(listener.LocalEndPoint, client.RemoteEndPoint);
                byte[] buffer = new byte[10];

                for (byte i = 0; i < 20; i++)
                {
                    Assert.Equal(1, await client.SendAsync(loop, new[] { i }));
                    Assert.Equal(1, await client.ReceiveAsync(loop, buffer));
                    Assert.Equal(i, buffer[0]);
                }

                client.Shutdown(SocketShutdown.Send);
                Assert.Equal(0, await client.ReceiveAsync(loop, buffer));
                await serving;
            }, withContext);
        }

        AssertIdle(loop);

        async Task ServeAsync()
        {
            using Socket socket = await listener.AcceptAsync(loop);
            Assert.False(socket.Blocking);
            byte[] buffer = new byte[100];

            while (await socket.ReceiveAsync(loop, buffer) is int count and > 0)
            {
                await socket.SendAsync(loop, buffer.AsMemory(0, count));
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void SendAsync_sends_all_bytes_to_a_slow_reader(Backends backend)
    {
        const int Size = 4 * 1024 * 1024;
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection(bufferSize: 256 * 1024);
        byte[] sent = new byte[Size], received = new byte[Size];
        new Random(1).NextBytes(sent);
        Drive(loop, async () =>
        {
            ValueTask<int> sending = client.SendAsync(loop, sent);
            Assert.False(sending.IsCompleted && !OperatingSystem.IsWindows()); // Windows may accept all bytes at once
            int count = 0;

            while (count < Size)
            {
                count += await server.ReceiveAsync(loop, received.AsMemory(count, Math.Min(100_000, Size - count)));
            }

            Assert.Equal(Size, await sending);
        });
        Assert.Equal(sent, received);
        AssertIdle(loop);
    }

    [Fact]
    public void A_call_that_need_not_wait_completes_at_once_and_the_socket_becomes_non_blocking()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[10];
        Assert.True(server.Blocking);
        client.Send([1, 2, 3]);
        Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
        ValueTask<int> received = server.ReceiveAsync(loop, buffer);
        Assert.True(received.IsCompletedSuccessfully);
        Assert.Equal(3, received.Result);
        Assert.False(server.Blocking);
        ValueTask<int> sent = server.SendAsync(loop, buffer);
        Assert.True(sent.IsCompletedSuccessfully);
        Assert.Equal(10, sent.Result);
        AssertIdle(loop);
    }

    [Fact]
    public void Calls_that_never_wait_let_other_watchers_run()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        int others = 0;
        using Timer timer = loop.Timer(0, 1e-6, (_, _) => others++);
        timer.Start();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[1];

            for (int i = 0; i < 5000; i++)
            {
                await client.SendAsync(loop, buffer);
                await server.ReceiveAsync(loop, buffer);
            }
        });
        Assert.InRange(others, 50, int.MaxValue);
    }

    [Fact]
    public void A_receive_with_an_empty_buffer_waits_until_bytes_can_be_received()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            ValueTask<int> received = server.ReceiveAsync(loop, Memory<byte>.Empty);
            await loop.Delay(0.005);
            Assert.False(received.IsCompleted);
            client.Send([1]);
            Assert.Equal(0, await received);
            Assert.Equal(1, server.Available);
        });
    }

    [Fact]
    public void A_receive_and_a_send_can_wait_at_the_same_time()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection(bufferSize: 256 * 1024);
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];
            ValueTask<int> receiving = client.ReceiveAsync(loop, buffer);
            ValueTask<int> sending = client.SendAsync(loop, new byte[8 * 1024 * 1024]);
            await loop.Delay(0.005);
            Assert.False(receiving.IsCompleted || sending.IsCompleted);
            server.Send([7]);
            Assert.Equal(1, await receiving);
            Assert.False(sending.IsCompleted);
            byte[] sink = new byte[1024 * 1024];

            for (int left = 8 * 1024 * 1024; left > 0;)
            {
                left -= await server.ReceiveAsync(loop, sink);
            }

            await sending;
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_reset_connection_causes_a_SocketException(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Drive(loop, async () =>
        {
            ValueTask<int> receiving = server.ReceiveAsync(loop, new byte[1]);
            await loop.Delay(0.001);
            client.LingerState = new LingerOption(true, 0); // Dispose resets the connection
            client.Dispose();
            SocketException e = await Assert.ThrowsAsync<SocketException>(() => receiving.AsTask());
            Assert.Equal(SocketError.ConnectionReset, e.SocketErrorCode);
            await Assert.ThrowsAsync<SocketException>(() => server.SendAsync(loop, new byte[1]).AsTask());
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_refused_connection_causes_a_SocketException(Backends backend)
    {
        Loop loop = NewLoop(backend);
        EndPoint closed;

        using (Socket listener = NewListener())
        {
            closed = listener.LocalEndPoint!;
        }

        Drive(loop, async () =>
        {
            using var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            SocketException e = await Assert.ThrowsAsync<SocketException>(() => socket.ConnectAsync(loop, closed).AsTask());
            Assert.Equal(SocketError.ConnectionRefused, e.SocketErrorCode);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Unix_domain_sockets_connect_too()
    {
        Loop loop = NewLoop();
        string path = Path.GetTempFileName();
        File.Delete(path);
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        Drive(loop, async () =>
        {
            ValueTask<Socket> accepting = listener.AcceptAsync(loop);
            using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            await client.ConnectAsync(loop, new UnixDomainSocketEndPoint(path));
            using Socket server = await accepting;
            await client.SendAsync(loop, new byte[] { 1 });
            Assert.Equal(1, await server.ReceiveAsync(loop, new byte[10]));
        });
        File.Delete(path);
        AssertIdle(loop);
    }

    [Fact]
    public void Datagrams_are_received_one_by_one()
    {
        Loop loop = NewLoop();
        Socket receiver = Own(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        Socket sender = Own(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Drive(loop, async () =>
        {
            await sender.ConnectAsync(loop, receiver.LocalEndPoint!);
            ValueTask<int> receiving = receiver.ReceiveAsync(loop, new byte[10]);
            Assert.Equal(3, await sender.SendAsync(loop, new byte[3]));
            Assert.Equal(2, await sender.SendAsync(loop, new byte[2]));
            Assert.Equal(3, await receiving);
            Assert.Equal(2, await receiver.ReceiveAsync(loop, new byte[10]));
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Connections_that_wait_are_all_accepted()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        List<Socket> clients = [];
        Drive(loop, async () =>
        {
            for (int i = 0; i < 8; i++)
            {
                Socket client = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
                await client.ConnectAsync(loop, listener.LocalEndPoint!);
                clients.Add(client);
            }

            foreach (Socket client in clients)
            {
                Assert.Equal(client.LocalEndPoint, Own(await listener.AcceptAsync(loop)).RemoteEndPoint);
            }
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Each_call_can_be_cancelled_and_repeated()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        (Socket client, Socket server) = NewConnection(bufferSize: 1000);
        byte[] buffer = new byte[100];
        Drive(loop, async () =>
        {
            await Cancelled(token => listener.AcceptAsync(loop, token).AsTask());
            await Cancelled(token => server.ReceiveAsync(loop, buffer, token).AsTask());
            await Cancelled(token => server.SendAsync(loop, new byte[16 * 1024 * 1024], token).AsTask());
            client.Send([1]);
            Assert.Equal(1, await server.ReceiveAsync(loop, buffer));

            static async Task Cancelled(Func<CancellationToken, Task> call)
            {
                using var source = new CancellationTokenSource();
                Task waiting = call(source.Token);
                source.CancelAfter(10); // not before the call: that gives a TaskCanceledException
                await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
                Task again = call(source.Token);
                Assert.True(again.IsCanceled);
            }
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Messages_and_cancellations_race_and_no_byte_is_lost()
    {
        const int Rounds = 10_000;
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        using var helper = new Helper();
        int received = 0, cancelled = 0;
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[100];
            var random = new Random(1);

            for (int i = 0; i < Rounds; i++)
            {
                var source = new CancellationTokenSource(); // not disposed, because the other thread may cancel it later
                int spins = random.Next(500);
                helper.Do(() =>
                {
                    client.Send([1]);
                    Thread.SpinWait(spins);
                    source.Cancel();
                });

                try
                {
                    received += await server.ReceiveAsync(loop, buffer, source.Token);
                }
                catch (OperationCanceledException)
                {
                    cancelled++;
                }
            }

            while (received < Rounds)
            {
                received += await server.ReceiveAsync(loop, buffer);
            }
        });
        Assert.Equal(Rounds, received);
        Assert.Equal(0, server.Available);
        AssertIdle(loop);
        Console.WriteLine($"{cancelled} of {Rounds} receives were cancelled in time");
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Nothing_is_allocated_in_steady_state(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[100];
        long atOnce = -1, waiting = -1, withToken = -1;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            byte[] big = new byte[1];
            atOnce = await AllocatedByAsync(() =>
            {
                client.Send(big);
                return server.ReceiveAsync(loop, buffer);
            });
            waiting = await AllocatedByAsync(() =>
            {
                ValueTask<int> received = server.ReceiveAsync(loop, buffer);
                client.Send(big);
                return received;
            });
            withToken = await AllocatedByAsync(() =>
            {
                ValueTask<int> received = server.ReceiveAsync(loop, buffer, source.Token);
                client.Send(big);
                return received;
            });
        });
        Assert.Equal((0, 0, 0), (atOnce, waiting, withToken));
    }

    [Fact]
    public void All_waits_end_with_the_loop_s_Dispose()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        (_, Socket server) = NewConnection();
        ValueTask<Socket> accepting = listener.AcceptAsync(loop);
        ValueTask<int> receiving = server.ReceiveAsync(loop, new byte[1]);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => accepting.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => receiving.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => { _ = server.ReceiveAsync(loop, new byte[1]); });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ConnectAsync_throws_if_the_connection_is_reset_before_it_has_returned(bool isAccepted)
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        EndPoint endPoint = listener.LocalEndPoint!;

        if (!isAccepted)
        {
            listener.Dispose();
        }

        Drive(loop, async () =>
        {
            using var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
            ValueTask connecting = client.ConnectAsync(loop, endPoint);
            Assert.False(connecting.IsCompleted);

            if (isAccepted)
            {
                Socket server = listener.Accept();
                server.LingerState = new LingerOption(true, 0);
                server.Dispose();
            }

            // Reading a socket's error clears it. Here Connected reads the error before ConnectAsync does.
            Assert.True(client.Poll(1_000_000, SelectMode.SelectWrite));
            Assert.False(client.Connected);
            Task task = connecting.AsTask();

            for (double end = loop.Now() + 2; !task.IsCompleted && loop.Now() < end;)
            {
                await loop.Delay(0.01);
            }

            Assert.True(task.IsCompleted);
            await Assert.ThrowsAsync<SocketException>(() => task);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_continuation_that_is_added_after_completion_runs_in_the_loop_s_context()
    {
        Loop loop = NewLoop();
        int thread = Environment.CurrentManagedThreadId, ran = 0;
        Drive(loop, async () =>
        {
            (Socket client, Socket server) = NewConnection();
            ValueTask<int> receiving = server.ReceiveAsync(loop, new byte[1]);
            client.Send([1]);

            for (int i = 0; i < 100 && !receiving.IsCompleted; i++)
            {
                await loop.Delay(0.02);
            }

            Assert.True(receiving.IsCompleted);
            var done = new TaskCompletionSource();
            receiving.GetAwaiter().OnCompleted(() =>
            {
                ran = Environment.CurrentManagedThreadId;
                done.SetResult();
            });
            await done.Task;
            Assert.Equal(1, await receiving);
        });
        Assert.Equal(thread, ran);
    }

    [Fact]
    public void Bad_arguments_and_other_threads_are_refused()
    {
        Loop loop = NewLoop();
        (_, Socket server) = NewConnection();
        Assert.Throws<ArgumentNullException>("socket", () => { _ = ((Socket)null!).ReceiveAsync(loop, new byte[1]); });
        Assert.Throws<ArgumentNullException>("loop", () => { _ = server.ReceiveAsync((Loop)null!, new byte[1]); });
        Assert.Throws<ArgumentNullException>("endPoint", () => { _ = server.ConnectAsync(loop, null!); });
        Assert.Throws<ArgumentException>("endPoint", () => { _ = server.ConnectAsync(loop, new DnsEndPoint("localhost", 1)); });
        server.Dispose();
        Assert.IsType<ObjectDisposedException>(Record.Exception(() => server.ReceiveAsync(loop, new byte[1]).GetAwaiter().GetResult()));
        Exception? thrown = null;
        (_, Socket other) = NewConnection();
        Drive(loop, async () =>
        {
            var thread = new Thread(() => thrown = Record.Exception(() => { _ = other.ReceiveAsync(loop, new byte[1]); }));
            thread.Start();
            thread.Join();
            await loop.Delay(0);
        });
        Assert.IsType<InvalidOperationException>(thrown);
        AssertIdle(loop);
    }

    [Fact]
    public void A_wait_whose_buffer_was_disposed_fails()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        var stream = new LoopStream(loop, server);
        var buffer = new FreedMemory();
        int reports = 0;
        loop.CallbackException += (_, _) =>
        {
            reports++;
            buffer.IsFreed = false; // the next attempt to receive ends the wait
        };
        Drive(loop, async () =>
        {
            foreach (Func<ValueTask<int>> receive in new[] { () => server.ReceiveAsync(loop, buffer.Memory), () => stream.ReadAsync(buffer.Memory) })
            {
                buffer.IsFreed = false;
                ValueTask<int> received = receive();
                Assert.False(received.IsCompleted);
                buffer.IsFreed = true;
                client.Send([1]);
                await Assert.ThrowsAsync<ObjectDisposedException>(async () => await received);
                Assert.Equal(1, await stream.ReadAsync(new byte[1]));
            }
        });
        Assert.Equal(0, reports);
        AssertIdle(loop);
    }

    /// <summary>Memory that throws if it is used after it was freed.</summary>
    private sealed class FreedMemory : MemoryManager<byte>
    {
        private readonly byte[] _bytes = new byte[1];

        internal bool IsFreed { get; set; }

        public override Memory<byte> Memory => CreateMemory(1);

        public override Span<byte> GetSpan()
        {
            ObjectDisposedException.ThrowIf(IsFreed, this);
            return _bytes;
        }

        public override MemoryHandle Pin(int elementIndex = 0) => default;

        public override void Unpin()
        {
        }

        protected override void Dispose(bool disposing)
        {
        }
    }
}
