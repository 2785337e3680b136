using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>ReceiveFromAsync, SendToAsync, and SendAsync of a sequence of buffers.</summary>
public sealed class SocketMessageTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_received_datagram_has_the_address_of_its_sender(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket one = NewDatagramSocket(), two = NewDatagramSocket();
        Drive(loop, async () =>
        {
            byte[] buffer = new byte[100];
            var any = new IPEndPoint(IPAddress.Any, 0);

            for (int i = 1; i < 50; i++)
            {
                ValueTask<SocketReceiveFromResult> receiving = two.ReceiveFromAsync(loop, buffer, any);
                Assert.False(receiving.IsCompleted);
                Assert.Equal(i, await one.SendToAsync(loop, new byte[i], two.LocalEndPoint!));
                SocketReceiveFromResult result = await receiving;
                Assert.Equal(i, result.ReceivedBytes);
                Assert.Equal(one.LocalEndPoint, result.RemoteEndPoint);
            }

            // A datagram that has already arrived is received without a wait.
            await one.SendToAsync(loop, new byte[3], two.LocalEndPoint!);
            Assert.True(two.Poll(1_000_000, SelectMode.SelectRead));
            Assert.True(two.ReceiveFromAsync(loop, buffer, any).IsCompletedSuccessfully);
        });
        AssertIdle(loop);
    }

    // After a refusal the system has an error for the socket, but no datagram. epoll reports the error until it is read.
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_wait_for_a_datagram_ends_when_the_peer_refuses_one(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket socket = NewDatagramSocket(), gone = NewDatagramSocket();
        EndPoint nobody = gone.LocalEndPoint!;
        gone.Dispose();
        socket.Connect(nobody);
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource(TimeSpan.FromSeconds(Patience));
            Task receiving = socket.ReceiveFromAsync(loop, new byte[1], nobody, source.Token).AsTask();
            await loop.Delay(0.005);
            socket.Send(new byte[1]);
            await Assert.ThrowsAsync<SocketException>(() => receiving);
        });
        AssertIdle(loop);
    }

    // With IP_RECVERR the errors are also queued, and the queue keeps the socket ready for every event.
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void After_errors_in_the_queue_of_the_socket_a_wait_waits(Backends backend)
    {
        const int IpRecvErr = 11, Errors = 5;
        Loop loop = NewLoop(backend);
        Socket socket = NewDatagramSocket(), peer = NewDatagramSocket(), gone = NewDatagramSocket();
        EndPoint nobody = gone.LocalEndPoint!;
        gone.Dispose();
        socket.SetRawSocketOption(0, IpRecvErr, BitConverter.GetBytes(1));
        Drive(loop, async () =>
        {
            int refused = 0;

            for (int i = 0; i < Errors; i++)
            {
                try
                {
                    socket.SendTo(new byte[1], nobody);
                }
                catch (SocketException)
                {
                    refused++; // the error of the datagram before
                }
            }

            byte[] buffer = new byte[10];
            Task<SocketReceiveFromResult>? receiving = null;

            // until the loop really waits
            for (uint iterations = uint.MaxValue, attempts = 0; receiving is null || iterations > 20; attempts++)
            {
                Assert.InRange(attempts, 0u, 50u);
                receiving ??= socket.ReceiveFromAsync(loop, buffer, nobody).AsTask();
                uint before = loop.Iteration;
                await loop.Delay(0.1);
                iterations = loop.Iteration - before;

                if (receiving.IsCompleted)
                {
                    SocketException thrown = await Assert.ThrowsAsync<SocketException>(() => receiving);
                    Assert.Equal(SocketError.ConnectionRefused, thrown.SocketErrorCode);
                    receiving = null;
                    refused++;
                }
            }

            Assert.InRange(refused, 1, 2 * Errors);
            peer.SendTo(new byte[3], socket.LocalEndPoint!);
            Assert.Equal(3, (await receiving).ReceivedBytes);
        });
        AssertIdle(loop);
    }

    // The program reads such messages itself, so the loop leaves them in the queue.
    [Fact]
    public void A_wait_on_a_socket_with_unread_time_stamps_fails_and_names_them()
    {
        Loop loop = NewLoop();
        Socket socket = NewDatagramSocket(), peer = NewDatagramSocket();
        AskForTimeStamps(socket);
        Drive(loop, async () =>
        {
            socket.SendTo(new byte[1], peer.LocalEndPoint!);
            SocketException thrown = await Assert.ThrowsAsync<SocketException>(
                () => socket.ReceiveFromAsync(loop, new byte[10], peer.LocalEndPoint!).AsTask());
            Assert.Contains("SO_TIMESTAMPING", thrown.Message, StringComparison.Ordinal);
            Assert.True(socket.Poll(0, SelectMode.SelectError)); // it is still there
        });
        AssertIdle(loop);
    }

    // The queue is empty again after each iteration. The Io is started after the wait, so it is called after it.
    [Fact]
    public void While_an_Io_reads_the_time_stamps_a_wait_on_the_socket_goes_on()
    {
        const int Count = 30;
        Loop loop = NewLoop();
        Socket socket = NewDatagramSocket(), peer = NewDatagramSocket();
        AskForTimeStamps(socket);
        Drive(loop, async () =>
        {
            Task<SocketReceiveFromResult> receiving = socket.ReceiveFromAsync(loop, new byte[10], peer.LocalEndPoint!).AsTask();
            int taken = 0;
            using Io io = loop.Io(socket, Events.Read, (_, _) => taken += Posix.TryTakeError((int)socket.Handle) ? 1 : 0);
            io.Start();

            for (int i = 0; i < Count; i++)
            {
                socket.SendTo(new byte[1], peer.LocalEndPoint!);
                await loop.Delay(0.001);
            }

            peer.SendTo(new byte[3], socket.LocalEndPoint!);
            Assert.Equal(3, (await receiving).ReceivedBytes);
            Assert.Equal(Count, taken);
        });
        AssertIdle(loop);
    }

    // Because of the time stamp, each iteration of the loop has an event for nothing.
    [Fact]
    public void A_wait_that_moves_bytes_goes_on_although_a_time_stamp_is_unread()
    {
        Loop loop = NewLoop();
        Socket socket = NewDatagramSocket(), peer = NewDatagramSocket();
        AskForTimeStamps(socket);
        socket.SendTo(new byte[1], peer.LocalEndPoint!);
        Drive(loop, async () =>
        {
            var wait = new IoWait<Trickle, int>(loop, pool: null);
            short version = wait.BeginAnywhere(default, FileDescriptor.Of(socket), CancellationToken.None);
            Assert.Equal(Trickle.Count, await new ValueTask<int>(wait, version));
            Assert.True(socket.Poll(0, SelectMode.SelectError)); // it is still there
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_wait_for_a_datagram_ends_when_it_is_cancelled_or_its_socket_disposed(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket socket = NewDatagramSocket();
        var any = new IPEndPoint(IPAddress.Any, 0);
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            Task waiting = socket.ReceiveFromAsync(loop, new byte[1], any, source.Token).AsTask();
            source.CancelAfter(10); // not before the call: that gives a TaskCanceledException
            await Assert.ThrowsAsync<OperationCanceledException>(() => waiting);
            Assert.True(socket.ReceiveFromAsync(loop, new byte[1], any, source.Token).IsCanceled);
            Assert.True(socket.SendToAsync(loop, new byte[1], socket.LocalEndPoint!, source.Token).IsCanceled);
            Task receiving = socket.ReceiveFromAsync(loop, new byte[1], any).AsTask();
            await loop.Delay(0.005);
            socket.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => receiving);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Bad_addresses_are_refused()
    {
        Loop loop = NewLoop();
        Socket socket = NewDatagramSocket();
        Assert.Throws<ArgumentNullException>("remote", () => { _ = socket.ReceiveFromAsync(loop, new byte[1], null!); });
        Assert.Throws<ArgumentNullException>("remote", () => { _ = socket.SendToAsync(loop, new byte[1], null!); });
        ArgumentException name = Assert.Throws<ArgumentException>(
            "remote", () => { _ = socket.SendToAsync(loop, new byte[1], new DnsEndPoint("localhost", 1)); });
        Assert.Contains("send to an IPEndPoint", name.Message, StringComparison.Ordinal);
        Drive(loop, async () => await Assert.ThrowsAnyAsync<Exception>(
            () => socket.SendToAsync(loop, new byte[100_000], socket.LocalEndPoint!).AsTask())); // longer than a datagram can be
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_sequence_arrives_in_order_at_a_slow_reader(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection(bufferSize: 256 * 1024);
        byte[] sent = new byte[6 * 1024 * 1024], received = new byte[sent.Length];
        new Random(1).NextBytes(sent);
        ReadOnlySequence<byte> sequence = Split(sent, pieces: 3000); // more buffers than one system call accepts
        Drive(loop, async () =>
        {
            ValueTask<long> sending = client.SendAsync(loop, sequence);
            Assert.False(sending.IsCompleted);

            for (int count = 0; count < received.Length;)
            {
                count += await server.ReceiveAsync(loop, received.AsMemory(count, Math.Min(100_000, received.Length - count)));
            }

            Assert.Equal(sent.Length, await sending);
        });
        Assert.Equal(sent, received);
        AssertIdle(loop);
    }

    /// <summary>
    /// Each system call sends one datagram, so the length of the datagram shows that one call sent all buffers.
    /// </summary>
    [Fact]
    public void Many_buffers_are_sent_with_one_system_call()
    {
        Loop loop = NewLoop();
        Socket from = NewDatagramSocket(), to = NewDatagramSocket();
        from.Connect(to.LocalEndPoint!);
        byte[] sent = new byte[3000], received = new byte[4000];
        new Random(1).NextBytes(sent);
        Assert.Equal(sent.Length, from.SendAsync(loop, Split(sent, pieces: 500)).Result);
        Assert.True(to.Poll(30_000_000, SelectMode.SelectRead));
        Assert.True(to.TryReceive(received, out int count));
        Assert.Equal(sent, received[..count]);
        Assert.False(to.TryReceive(received, out _));
    }

    [Fact]
    public void Sequences_of_no_byte_and_of_one_buffer_are_sent_at_once()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        Assert.Equal(0, client.SendAsync(loop, ReadOnlySequence<byte>.Empty).Result);
        Assert.Equal(0, client.SendAsync(loop, Split([], pieces: 3)).Result);
        Assert.Equal(2, client.SendAsync(loop, new ReadOnlySequence<byte>(new byte[2])).Result);
        Assert.Equal(4, client.SendAsync(loop, Split([1, 2, 3, 4], pieces: 3)).Result);
        Assert.True(Posix.Until(() => server.Available == 6));
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_send_of_a_sequence_that_the_peer_does_not_read_ends_by_cancellation_or_with_its_socket(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, _) = NewConnection(bufferSize: 256 * 1024);
        ReadOnlySequence<byte> sequence = Split(new byte[16 * 1024 * 1024], pieces: 10);
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            Task cancelled = client.SendAsync(loop, sequence, source.Token).AsTask();
            source.CancelAfter(10); // not before the call: that gives a TaskCanceledException
            await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
            Task sending = client.SendAsync(loop, sequence).AsTask();
            await loop.Delay(0.005);
            client.Dispose();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => sending);
        });
        AssertIdle(loop);
    }

    private static void AskForTimeStamps(Socket socket)
    {
        const int SolSocket = 1, SoTimestamping = 37, Flags = 1 << 1 | 1 << 4; // of sends, by software
        socket.SetRawSocketOption(SolSocket, SoTimestamping, BitConverter.GetBytes(Flags));
    }

    private Socket NewDatagramSocket()
    {
        Socket socket = Own(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return socket;
    }

    // Splits the bytes into pieces of different lengths, some of which are empty.
    private static ReadOnlySequence<byte> Split(byte[] bytes, int pieces)
    {
        Segment? first = null, last = null;
        int begin = 0;

        for (int i = 0; i < pieces; i++)
        {
            int end = i == pieces - 1 ? bytes.Length : Math.Min(bytes.Length, begin + (i % 7 == 3 ? 0 : bytes.Length / pieces));
            last = new Segment(bytes.AsMemory(begin, end - begin), last);
            first ??= last;
            begin = end;
        }

        return new ReadOnlySequence<byte>(first!, 0, last!, last!.Memory.Length);
    }

    // Moves a byte at every fifth event, and ends after many.
    private struct Trickle : IIoOperation<Trickle, int>
    {
        public const int Count = 40;
        private int _events;

        public readonly Events Events => Events.Read;

        public static long Moved(in Trickle operation) => operation._events / 5;

        public bool TryFinish(Events revents, out int result, out Exception? exception)
        {
            (result, exception) = (++_events, null);
            return _events == Count;
        }
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        internal Segment(ReadOnlyMemory<byte> memory, Segment? before)
        {
            Memory = memory;

            if (before is not null)
            {
                RunningIndex = before.RunningIndex + before.Memory.Length;
                before.Next = this;
            }
        }
    }
}
