using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A socket as a Stream, on the loop's thread and on others.</summary>
public sealed class LoopStreamTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_stream_reads_and_writes_on_the_loop_s_thread(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (LoopStream client, LoopStream server) = NewStreams(loop);
        int thread = Environment.CurrentManagedThreadId;
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];

            for (byte i = 0; i < 10; i++)
            {
                ValueTask<int> reading = server.ReadAsync(buffer);
                await client.WriteAsync(new[] { i, i });
                Assert.Equal(2, await reading);
                Assert.Equal(i, buffer[1]);
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
            }

            ValueTask<int> end = server.ReadAsync(buffer);
            await client.DisposeAsync();
            Assert.Equal(0, await end);
        });
        AssertIdle(loop);
    }

    [Fact]
    public async Task Dispose_during_the_loop_s_Dispose_on_another_thread_ends_the_waits()
    {
        Loop loop = NewLoop();
        (LoopStream client, _) = NewStreams(loop);
        Task<int> reading = client.ReadAsync(new byte[1]).AsTask();
        using var closing = new ManualResetEventSlim();
        using var disposed = new ManualResetEventSlim();
        loop.Post(() =>
        {
            closing.Set();
            disposed.Wait();
        });
        Task disposing = Task.Run(() =>
        {
            closing.Wait();

            try
            {
                client.Dispose();
            }
            finally
            {
                disposed.Set();
            }
        });
        loop.Dispose();
        await disposing;
        await Assert.ThrowsAsync<ObjectDisposedException>(() => reading.WaitAsync(TimeSpan.FromSeconds(Patience)));
        Assert.True(client.Socket.SafeHandle.IsClosed);
    }

    [Fact]
    public void A_call_on_another_thread_waits_on_the_loop_and_its_continuation_runs_on_another_thread()
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        int thread = Environment.CurrentManagedThreadId;
        Drive(loop, () => Task.Run(async () =>
        {
            byte[] buffer = new byte[10];

            for (byte i = 0; i < 100; i++)
            {
                Task<int> reading = server.ReadAsync(buffer).AsTask();
                await client.WriteAsync(new[] { i });
                Assert.Equal(1, await reading);
                Assert.Equal(i, buffer[0]);
                Assert.NotEqual(thread, Environment.CurrentManagedThreadId);
            }
        }));
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Both_directions_at_the_same_time_carry_every_byte(bool onLoop)
    {
        const int Size = 8 * 1024 * 1024;
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        byte[] sent = new byte[Size];
        new Random(1).NextBytes(sent);
        byte[][] received = [new byte[Size], new byte[Size]];
        Drive(loop, () => onLoop ? All() : Task.Run(All));
        Assert.Equal(sent, received[0]);
        Assert.Equal(sent, received[1]);
        AssertIdle(loop);

        async Task All() => await Task.WhenAll(
            client.WriteAsync(sent).AsTask(),
            server.WriteAsync(sent).AsTask(),
            client.ReadExactlyAsync(received[0]).AsTask(),
            server.ReadExactlyAsync(received[1]).AsTask());
    }

    [Fact]
    public void Read_and_Write_block_the_calling_thread()
    {
        const int Size = 4 * 1024 * 1024;
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        byte[] sent = new byte[Size], received = new byte[Size];
        new Random(1).NextBytes(sent);
        Drive(loop, async () => await Task.WhenAll(
            Task.Run(() => client.Write(sent, 0, Size)),
            Task.Run(() => server.ReadExactly(received))));
        Assert.Equal(sent, received);

        server.ReadTimeout = 20;
        Assert.Equal(20, server.ReadTimeout);
        IOException e = Assert.Throws<IOException>(() => server.ReadByte());
        Assert.Equal(SocketError.TimedOut, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
        Assert.Throws<ArgumentOutOfRangeException>("value", () => server.WriteTimeout = 0);
        client.WriteByte(9); // the loop does not run, because a blocking write does not need it
        Assert.Equal(9, server.ReadByte());
    }

    [Fact]
    public void A_second_read_or_write_is_refused_and_the_first_goes_on()
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];
            ValueTask<int> reading = server.ReadAsync(buffer);
            Assert.Throws<InvalidOperationException>(() => { _ = server.ReadAsync(buffer); });
            Assert.Throws<InvalidOperationException>(() => server.Read(buffer, 0, 1));
            await Task.Run(() => Assert.Throws<InvalidOperationException>(() => { _ = server.ReadAsync(buffer); }));
            ValueTask writing = server.WriteAsync(new byte[16 * 1024 * 1024]);
            Assert.Throws<InvalidOperationException>(() => { _ = server.WriteAsync(buffer); });
            await client.WriteAsync(new byte[] { 1 });
            Assert.Equal(1, await reading);
            await client.ReadExactlyAsync(new byte[16 * 1024 * 1024]);
            await writing;
        });
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_stream_can_be_used_after_a_cancellation(bool onLoop)
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        AssertIdle(loop);

        async Task Test()
        {
            byte[] buffer = new byte[10];

            for (int i = 0; i < 20; i++)
            {
                using var source = new CancellationTokenSource(1);
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.ReadAsync(buffer, source.Token).AsTask());
                await Assert.ThrowsAnyAsync<OperationCanceledException>(() => server.ReadAsync(buffer, source.Token).AsTask());
                await client.WriteAsync(new byte[] { 1 });
                Assert.Equal(1, await server.ReadAsync(buffer));
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Messages_and_cancellations_race_and_no_byte_is_lost(bool onLoop)
    {
        const int Rounds = 10_000;
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        using var helper = new Helper();
        int received = 0;
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        Assert.Equal(Rounds, received);
        Assert.Equal(0, server.Socket.Available);
        AssertIdle(loop);

        async Task Test()
        {
            byte[] buffer = new byte[100];
            var random = new Random(1);

            for (int i = 0; i < Rounds; i++)
            {
                var source = new CancellationTokenSource(); // not disposed, because the other thread may cancel it later
                int spins = random.Next(1000);
                helper.Do(() =>
                {
                    client.WriteByte(1);
                    Thread.SpinWait(spins);
                    source.Cancel();
                });

                try
                {
                    received += await server.ReadAsync(buffer, source.Token);
                }
                catch (OperationCanceledException)
                {
                }
            }

            while (received < Rounds)
            {
                received += await server.ReadAsync(buffer);
            }
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dispose_ends_a_read_and_closes_the_socket(bool onLoop)
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        AssertIdle(loop);
        Assert.Throws<ObjectDisposedException>(() => server.Socket.Available);

        async Task Test()
        {
            Task<int> reading = server.ReadAsync(new byte[1]).AsTask();
            Task writing = server.WriteAsync(new byte[16 * 1024 * 1024]).AsTask();
            await Task.Delay(20);
            Assert.False(reading.IsCompleted || writing.IsCompleted);
            await server.DisposeAsync();
            await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => reading);
            await Assert.ThrowsAnyAsync<Exception>(() => writing);
            Assert.False(server.CanRead || server.CanWrite);
            Assert.Throws<ObjectDisposedException>(() => { _ = server.ReadAsync(new byte[1]); });
            Assert.Throws<ObjectDisposedException>(() => server.WriteByte(1));

            // The other side receives the end of the stream, or a reset.
            await Assert.ThrowsAnyAsync<Exception>(async () =>
            {
                while (await client.ReadAsync(new byte[1024 * 1024]) > 0)
                {
                }

                throw new EndOfStreamException();
            });
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_continuation_that_throws_keeps_neither_the_writer_waiting_nor_the_socket_open(bool inContext)
    {
        Loop loop = NewLoop();
        (_, LoopStream server) = NewStreams(loop);
        List<Exception> told = [];
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        ConfiguredValueTaskAwaitable<int>.ConfiguredValueTaskAwaiter reading = server.ReadAsync(new byte[1]).ConfigureAwait(inContext).GetAwaiter();
        Task writing = server.WriteAsync(new byte[16 * 1024 * 1024]).AsTask();

        if (inContext)
        {
            SynchronizationContext? before = SynchronizationContext.Current;
            SynchronizationContext.SetSynchronizationContext(new ContextThatThrows());
            reading.OnCompleted(() => { });
            SynchronizationContext.SetSynchronizationContext(before);
        }
        else
        {
            reading.UnsafeOnCompleted(() => throw new InvalidTimeZoneException());
        }

        Assert.Null(Record.Exception(server.Dispose));
        ObjectDisposedException e = Assert.Throws<ObjectDisposedException>(() => reading.GetResult());
        Assert.Equal(typeof(LoopStream).FullName, e.ObjectName);
        Assert.True(Posix.Until(() => writing.IsFaulted, 1));
        Assert.True(server.Socket.SafeHandle.IsClosed);
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(told));
        AssertIdle(loop);
    }

    [Fact]
    public void A_timeout_may_be_longer_than_one_Poll()
    {
        Assert.Equal(20_000, LoopStream.PollTime(20));
        Assert.Equal(2_147_483_000, LoopStream.PollTime(2_147_483));
        Assert.Equal(int.MaxValue, LoopStream.PollTime(2_147_484));
        Assert.Equal(int.MaxValue, LoopStream.PollTime(int.MaxValue));
    }

    [Fact]
    public void Dispose_in_a_reschedule_function_ends_the_waits_later()
    {
        Loop loop = NewLoop();
        (_, LoopStream server) = NewStreams(loop);
        Task<int> reading = server.ReadAsync(new byte[1]).AsTask();
        Exception? thrown = null;
        Scheduler scheduler = loop.Scheduler(
            (_, now) =>
            {
                thrown = Record.Exception(server.Dispose);
                return now + 1000;
            },
            (_, _) => { });
        scheduler.Start();
        Assert.Null(thrown);
        scheduler.Stop();
        Assert.False(loop.Start());
        Assert.IsType<ObjectDisposedException>(Record.Exception(() => reading.GetAwaiter().GetResult()));
        Assert.True(server.Socket.SafeHandle.IsClosed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Dispose_frees_the_watchers_at_once(bool onLoop)
    {
        Loop loop = NewLoop();
        int before = Live().Watchers;
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        loop.Start(RunFlags.NoWait);
        Assert.Equal(before, Live().Watchers);
        GC.KeepAlive(client);
        GC.KeepAlive(server);

        async Task Test()
        {
            ValueTask<int> reading = server.ReadAsync(new byte[1]);
            ValueTask writing = client.WriteAsync(new byte[1024 * 1024 * 16]);
            Assert.Equal(1, await reading);
            await server.ReadExactlyAsync(new byte[1024 * 1024 * 16 - 1]);
            await writing;
            Task<int> other = client.ReadAsync(new byte[1]).AsTask();
            await server.DisposeAsync();
            Assert.Equal(0, await other);
            await client.DisposeAsync();
        }
    }

    [Fact]
    public void A_socket_that_the_stream_does_not_own_stays_open()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        var stream = new LoopStream(loop, server);
        Drive(loop, async () =>
        {
            Task<int> reading = stream.ReadAsync(new byte[1]).AsTask();
            await stream.DisposeAsync();
            await Assert.ThrowsAnyAsync<ObjectDisposedException>(() => reading);
            client.Send([1]);
            Assert.Equal(1, await server.ReceiveAsync(loop, new byte[1]));
        });
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reading_and_Dispose_race_and_every_read_ends(bool owns)
    {
        Loop loop = NewLoop();
        using var helper = new Helper();
        Drive(loop, () => Task.Run(async () =>
        {
            var random = new Random(1);

            for (int i = 0; i < 500; i++)
            {
                (Socket client, Socket server) = NewConnection();
                using Socket one = client, two = server;
                var stream = new LoopStream(loop, server, owns);
                int spins = random.Next(2000);
                helper.Do(() =>
                {
                    Thread.SpinWait(spins);
                    stream.Dispose();
                });
                Exception? thrown = await Record.ExceptionAsync(() => stream.ReadAsync(new byte[1]).AsTask());
                Assert.IsType<ObjectDisposedException>(thrown, exactMatch: false);
            }
        }));
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Reads_end_with_the_loop_s_Dispose(bool onLoop)
    {
        Loop loop = NewLoop();
        (_, LoopStream server) = NewStreams(loop);
        Task<int>? reading = null;
        Drive(loop, async () =>
        {
            reading = onLoop ? server.ReadAsync(new byte[1]).AsTask() : Task.Run(() => server.ReadAsync(new byte[1]).AsTask());
            await loop.Delay(0.01);
        });
        Assert.False(reading!.IsCompleted);
        loop.Dispose();
        Assert.True(Posix.Until(() => reading.IsCompleted));
        Assert.IsType<ObjectDisposedException>(reading.Exception!.InnerException);
        Assert.Throws<ObjectDisposedException>(() => { _ = server.ReadAsync(new byte[1]); });
    }

    [Fact]
    public void A_reset_connection_causes_an_IOException()
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Drive(loop, async () =>
        {
            Task<int> reading = server.ReadAsync(new byte[1]).AsTask();
            client.Socket.LingerState = new LingerOption(true, 0);
            client.Dispose();
            IOException e = await Assert.ThrowsAsync<IOException>(() => reading);
            Assert.Equal(SocketError.ConnectionReset, Assert.IsType<SocketException>(e.InnerException).SocketErrorCode);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void ConnectAsync_finds_names_and_tries_their_addresses(bool onLoop)
    {
        Loop loop = NewLoop();
        Socket listener = NewListener(); // listens on IPv4 only, while "localhost" may also mean ::1
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));
        AssertIdle(loop);

        async Task Test()
        {
            await using LoopStream stream = await LoopStream.ConnectAsync(loop, new DnsEndPoint("localhost", port));
            using Socket server = await listener.AcceptAsync();
            await stream.WriteAsync(new byte[] { 5 });
            Assert.Equal(1, await server.ReceiveAsync(new byte[10]));
            await using LoopStream other = await LoopStream.ConnectAsync(loop, listener.LocalEndPoint!);
            Assert.True(other.Socket.NoDelay);
        }
    }

    /// <summary>The lookup ends on the thread pool, in most cases after the Dispose.</summary>
    [Fact]
    public void A_connect_ends_if_the_loop_is_disposed_during_the_lookup_of_the_name()
    {
        var reports = new ConcurrentQueue<Exception>();

        for (int i = 0; i < 20; i++)
        {
            Loop loop = NewLoop();
            loop.CallbackException += (_, e) => reports.Enqueue(e.Exception);
            Task connect = Task.CompletedTask;
            loop.Run(() =>
            {
                connect = LoopStream.ConnectAsync(loop, new DnsEndPoint("localhost", 1)).AsTask();
                return Task.CompletedTask;
            });
            loop.Dispose();
            Exception? e = Record.Exception(() => connect.Wait(TimeSpan.FromSeconds(Patience)));
            Assert.IsType<ObjectDisposedException>(e?.InnerException);
        }

        Assert.Empty(reports);
    }

    [Fact]
    public void A_connection_that_fails_names_its_address()
    {
        Loop loop = NewLoop();
        Socket listener = NewListener();
        int port = ((IPEndPoint)listener.LocalEndPoint!).Port;
        listener.Dispose();
        Drive(loop, async () =>
        {
            SocketException refused = await FailureOf(new IPEndPoint(IPAddress.Loopback, port));
            var plain = new SocketException((int)SocketError.ConnectionRefused);
            Assert.Equal((plain.SocketErrorCode, plain.ErrorCode), (refused.SocketErrorCode, refused.ErrorCode));
            Assert.Equal($"A LoopStream cannot connect to 127.0.0.1:{port}: {plain.Message}", refused.Message);

            SocketException named = await FailureOf(new DnsEndPoint("localhost", port, AddressFamily.InterNetwork));
            Assert.Equal($"A LoopStream cannot connect to localhost:{port} (127.0.0.1:{port}): {plain.Message}", named.Message);

            SocketException unknown = await FailureOf(new DnsEndPoint("127.0.0.1", port, AddressFamily.InterNetworkV6));
            Assert.StartsWith($"A LoopStream cannot connect to 127.0.0.1:{port}: ", unknown.Message, StringComparison.Ordinal);
        });
        AssertIdle(loop);

        Task<SocketException> FailureOf(EndPoint endPoint) =>
            Assert.ThrowsAsync<SocketException>(() => LoopStream.ConnectAsync(loop, endPoint).AsTask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Nothing_is_allocated_in_steady_state_on_the_loop_s_thread(bool withToken)
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        using var source = new CancellationTokenSource();
        CancellationToken token = withToken ? source.Token : default;
        byte[] buffer = new byte[10], one = new byte[1];
        long allocated = -1;
        Drive(loop, async () => allocated = await AllocatedByAsync(() =>
        {
            ValueTask<int> reading = server.ReadAsync(buffer, token);
            client.Write(one);
            return reading;
        }));
        Assert.Equal(0, allocated);
    }

    [Fact]
    public void The_other_members_of_Stream_work_or_are_refused()
    {
        Loop loop = NewLoop();
        (LoopStream client, LoopStream server) = NewStreams(loop);
        Assert.True(client.CanRead && client.CanWrite && client.CanTimeout && !client.CanSeek);
        Assert.Throws<NotSupportedException>(() => client.Length);
        Assert.Throws<NotSupportedException>(() => client.Position);
        Assert.Throws<NotSupportedException>(() => client.Position = 0);
        Assert.Throws<NotSupportedException>(() => client.Seek(0, SeekOrigin.Begin));
        Assert.Throws<NotSupportedException>(() => client.SetLength(0));
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[10];
            await client.FlushAsync();
            client.Flush();
            await Task.Factory.FromAsync(client.BeginWrite([1, 2, 3], 1, 2, null, null), client.EndWrite);
            Assert.Equal(2, await Task.Factory.FromAsync(server.BeginRead(buffer, 1, 9, null, null), server.EndRead));
            Assert.Equal([0, 2, 3], buffer.Take(3));
            Assert.Throws<ArgumentOutOfRangeException>(() => { _ = server.ReadAsync(buffer, 5, 6); });
        });
        Assert.Throws<ArgumentNullException>("loop", () => new LoopStream(null!, server.Socket));
        Assert.Throws<ArgumentNullException>("socket", () => new LoopStream(loop, null!));
        using var datagrams = new Socket(SocketType.Dgram, ProtocolType.Udp);
        Assert.Throws<ArgumentException>("socket", () => new LoopStream(loop, datagrams));
        using var alone = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        Assert.Throws<ArgumentException>("socket", () => new LoopStream(loop, alone));
        Assert.True(alone.Blocking);
        alone.Dispose();
        Assert.Throws<ObjectDisposedException>(() => new LoopStream(loop, alone));
    }

    private sealed class ContextThatThrows : SynchronizationContext
    {
        public override void Post(SendOrPostCallback d, object? state) => throw new InvalidTimeZoneException();
    }

    private (LoopStream Client, LoopStream Server) NewStreams(Loop loop)
    {
        (Socket client, Socket server) = NewConnection();
        return (new LoopStream(loop, client, ownsSocket: true), new LoopStream(loop, server, ownsSocket: true));
    }
}
