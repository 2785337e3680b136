using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>TryReceive, TrySend and TryAccept.</summary>
public sealed class SocketTryTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Callbacks_echo_with_the_Try_methods(Backends backend)
    {
        const int Size = 200_000;
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        Socket client = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        client.Connect(listener.LocalEndPoint!);
        byte[] sent = new byte[Size], received = new byte[Size], buffer = new byte[4096];
        new Random(1).NextBytes(sent);
        int toSend = 0, echoed = 0, read = 0;
        loop.Io(listener, Events.Read, (accepting, _) =>
        {
            Assert.True(listener.TryAccept(out Socket? server));
            Assert.False(server.Blocking);
            Assert.False(listener.TryAccept(out Socket? _));
            accepting.Stop();
            Own(server);
            loop.Io(server, Events.Read, (w, _) =>
            {
                while (server.TryReceive(buffer, out int count) && count > 0)
                {
                    for (int i = 0; i < count;)
                    {
                        i += server.TrySend(buffer.AsSpan(i, count - i), out int part) ? part : 0;
                    }

                    echoed += count;
                }

                if (echoed == Size)
                {
                    w.Stop();
                }
            }).Start();
        }).Start();
        loop.Io(client, Events.Read | Events.Write, (w, _) =>
        {
            while (toSend < Size && client.TrySend(sent.AsSpan(toSend, Math.Min(10_000, Size - toSend)), out int count))
            {
                toSend += count;
            }

            while (read < Size && client.TryReceive(received.AsSpan(read), out int count))
            {
                read += count;
            }

            if (toSend == Size)
            {
                w.Events = Events.Read;
            }

            if (read == Size)
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(sent, received);
    }

    [Fact]
    public void The_Try_methods_return_false_instead_of_blocking()
    {
        (Socket client, Socket server) = NewConnection();
        Assert.True(server.Blocking);
        Assert.False(server.TryReceive(new byte[1], out int count));
        Assert.Equal(0, count);
        Assert.False(server.Blocking);

        while (client.TrySend(new byte[100_000], out count))
        {
            Assert.InRange(count, 1, 100_000);
        }

        Assert.Equal(0, count);
        Assert.False(NewListener().TryAccept(out Socket? accepted));
        Assert.Null(accepted);
    }

    [Fact]
    public void One_call_sends_as_much_of_a_sequence_as_the_socket_accepts()
    {
        (Socket client, Socket server) = NewConnection();
        var first = new Segment([1, 2]);
        var sequence = new ReadOnlySequence<byte>(first, 0, first.Append([]).Append([3, 4, 5]), 2);
        Assert.True(server.TrySend(sequence, out long count));
        Assert.Equal(4, count);
        byte[] received = new byte[10];
        Assert.True(client.Poll(1_000_000, SelectMode.SelectRead));
        Assert.Equal(4, client.Receive(received));
        Assert.Equal([1, 2, 3, 4], received[..4]);
        Assert.True(server.TrySend(ReadOnlySequence<byte>.Empty, out count));
        Assert.Equal(0, count);
        long sent = 0;
        first = new Segment(new byte[100_000]);
        sequence = new ReadOnlySequence<byte>(first, 0, first.Append(new byte[100_001]), 100_001);

        while (server.TrySend(sequence, out count))
        {
            Assert.InRange(count, 1, sequence.Length);
            sent += count;
        }

        Assert.Equal(0, count);
        Assert.True(sent > 0);
        client.Dispose();
        Assert.Throws<ArgumentNullException>("socket", () => ((Socket)null!).TrySend(default(ReadOnlySequence<byte>), out _));
        Assert.Throws<SocketException>(() => server.TrySend(sequence, out _));
        server.Dispose();
        Assert.Throws<ObjectDisposedException>(() => server.TrySend(sequence, out _));
    }

    [Fact]
    public void TryReceive_gives_zero_bytes_at_the_end_of_a_connection_and_throws_after_a_reset()
    {
        (Socket client, Socket server) = NewConnection();
        client.Shutdown(SocketShutdown.Send);
        Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
        Assert.True(server.TryReceive(new byte[1], out int count));
        Assert.Equal(0, count);
        client.LingerState = new LingerOption(true, 0);
        client.Dispose();
        Assert.True(server.Poll(1_000_000, SelectMode.SelectError) || server.Poll(1_000_000, SelectMode.SelectRead));
        SocketException e = Assert.Throws<SocketException>(() => server.TrySend(new byte[1], out _));
        Assert.Contains(e.SocketErrorCode, new[] { SocketError.ConnectionReset, SocketError.Shutdown });
    }

    [Fact]
    public void Bad_sockets_are_refused()
    {
        Assert.Throws<ArgumentNullException>("socket", () => ((Socket)null!).TryReceive(new byte[1], out _));
        Assert.Throws<ArgumentNullException>("socket", () => ((Socket)null!).TrySend(new byte[1], out _));
        Assert.Throws<ArgumentNullException>("socket", () => ((Socket)null!).TryAccept(out _));
        (Socket client, Socket server) = NewConnection();
        server.Dispose();
        Assert.Throws<ObjectDisposedException>(() => server.TryReceive(new byte[1], out _));
        Assert.Throws<ObjectDisposedException>(() => server.TrySend(new byte[1], out _));
        Assert.Throws<ObjectDisposedException>(() => server.TryAccept(out _));
        using var alone = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        alone.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Assert.Throws<SocketException>(() => alone.TryReceive(new byte[1], out _));
        client.Dispose();
    }

    private sealed class Segment : ReadOnlySequenceSegment<byte>
    {
        public Segment(byte[] bytes) => Memory = bytes;

        public Segment Append(byte[] bytes)
        {
            var next = new Segment(bytes) { RunningIndex = RunningIndex + Memory.Length };
            Next = next;
            return next;
        }
    }
}
