using System;
using System.Buffers;
using System.IO;
using System.IO.Pipelines;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>LoopStream over pipes, FIFOs and terminals.</summary>
public sealed class LoopStreamHandleTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_pipe_carries_more_than_it_holds_and_then_ends(Backends backend)
    {
        Loop loop = NewLoop(backend);
        byte[] sent = new byte[1_000_000];
        new Random(1).NextBytes(sent);
        var received = new MemoryStream();
        loop.Run(async () =>
        {
            (LoopStream reader, LoopStream writer) = NewStreams(loop);
            Task writing = WriteAsync();
            await reader.CopyToAsync(received);
            await writing;
            await reader.DisposeAsync();

            async Task WriteAsync()
            {
                await writer.WriteAsync(sent);
                await writer.DisposeAsync();
            }
        });
        Assert.Equal(sent, received.ToArray());
        AssertIdle(loop);
    }

    [Fact]
    public void Two_streams_on_one_terminal_do_not_change_its_flags_and_do_not_block_each_other()
    {
        Loop loop = NewLoop();
        (int master, int terminal) = Posix.OpenTerminal();
        SetBlocking(terminal);
        using var screen = new SafeFileHandle(master, ownsHandle: true);
        using var input = new SafeFileHandle(terminal, ownsHandle: true);
        using var output = new SafeFileHandle(Posix.Duplicate(terminal), ownsHandle: true); // the same open file as input
        loop.Run(async () =>
        {
            var reader = new LoopStream(loop, input, FileAccess.Read);
            var writer = new LoopStream(loop, output, FileAccess.Write);
            Assert.True(IsBlocking(terminal));
            byte[] buffer = new byte[100];
            ValueTask<int> reading = reader.ReadAsync(buffer);
            Assert.False(reading.IsCompleted); // the call has returned without blocking
            Type(master, "one\n");
            Assert.Equal(4, await reading);
            await writer.DisposeAsync(); // must not make the reads of the other stream block
            Assert.True(IsBlocking(terminal));
            reading = reader.ReadAsync(buffer);
            double began = loop.Now(update: true);
            await loop.Delay(0.05);
            Assert.InRange(loop.Now(update: true) - began, 0, 5);
            Type(master, "two\n");
            Assert.Equal(4, await reading);
            Assert.Equal("two\n", Encoding.ASCII.GetString(buffer, 0, 4));

            // A terminal whose other side does not read accepts no more bytes, and the loop continues.
            using var second = new LoopStream(loop, output, FileAccess.Write);
            Task writing = second.WriteAsync(new byte[1_000_000]).AsTask();
            await loop.Delay(0.05);
            Assert.False(writing.IsCompleted);
            await second.DisposeAsync();
            await Assert.ThrowsAsync<ObjectDisposedException>(() => writing);
            await reader.DisposeAsync();
        });
        Assert.True(IsBlocking(terminal)); // the flags are unchanged, because a shell shares the open file
        AssertIdle(loop);
    }

    [Fact]
    public void The_master_of_a_terminal_is_read_and_written_although_it_cannot_be_opened_again()
    {
        Loop loop = NewLoop();
        (int master, int terminal) = Posix.OpenTerminal();
        SetBlocking(master);
        using var program = new SafeFileHandle(terminal, ownsHandle: true);
        loop.Run(async () =>
        {
            await using var screen = new LoopStream(loop, new SafeFileHandle(master, ownsHandle: true), FileAccess.ReadWrite, ownsHandle: true);
            byte[] buffer = new byte[100];
            ValueTask<int> reading = screen.ReadAsync(buffer);
            await loop.Delay(0.02);
            Assert.False(reading.IsCompleted);
            await screen.WriteAsync("hello\n"u8.ToArray());
            Assert.True(await reading > 0); // the terminal's echo
            Task flood = screen.WriteAsync(new byte[100_000]).AsTask(); // more bytes than the terminal accepts, which must not block the loop
            await loop.Delay(0.05);
            program.Dispose();

            while (await screen.ReadAsync(buffer) > 0)
            {
                // Reads until the end, which the kernel reports as EIO.
            }
        });
    }

    [Fact]
    public void A_write_to_the_master_of_a_full_terminal_ends_when_the_program_has_closed_it()
    {
        Loop loop = NewLoop();
        (int master, int terminal) = Posix.OpenTerminal();
        Posix.MakeRaw(terminal);
        using var program = new SafeFileHandle(terminal, ownsHandle: true);
        loop.Run(async () =>
        {
            await using var screen = new LoopStream(loop, new SafeFileHandle(master, ownsHandle: true), FileAccess.Write, ownsHandle: true);
            using var source = new CancellationTokenSource(TimeSpan.FromSeconds(Patience));
            Task writing = screen.WriteAsync(new byte[1_000_000], source.Token).AsTask();
            await loop.Delay(0.05);
            Assert.False(writing.IsCompleted);
            program.Dispose();
            await Assert.ThrowsAsync<IOException>(() => writing);
        });
    }

    [Fact]
    public void Regular_files_and_wrong_directions_are_refused_with_a_message()
    {
        Loop loop = NewLoop();
        using SafeFileHandle file = File.OpenHandle(typeof(Loop).Assembly.Location);
        ArgumentException refused = Assert.Throws<ArgumentException>(() => new LoopStream(loop, file, FileAccess.Read));
        Assert.Contains("FileStream", refused.Message, StringComparison.Ordinal);
        (int read, int write) = NewPipe();
        using var reader = new SafeFileHandle(read, ownsHandle: false);
        Assert.Throws<ArgumentException>(() => new LoopStream(loop, reader, FileAccess.Write));
        Assert.Throws<ArgumentOutOfRangeException>(() => new LoopStream(loop, reader, 0));
        Assert.Throws<ArgumentNullException>(() => new LoopStream(loop, (SafeFileHandle)null!, FileAccess.Read));
        using var stream = new LoopStream(loop, reader, FileAccess.Read);
        Assert.Equal((true, false), (stream.CanRead, stream.CanWrite));
        Assert.Throws<NotSupportedException>(() => stream.Write([1]));
        Assert.Throws<InvalidOperationException>(() => stream.Socket);
        stream.Dispose();
        Assert.Throws<ObjectDisposedException>(() => stream.ReadByte());
        Assert.False(reader.IsClosed);
    }

    [Fact]
    public void Dispose_cancellation_and_the_end_of_the_loop_end_a_read()
    {
        Loop loop = NewLoop();
        (LoopStream reader, LoopStream writer) = NewStreams(loop);
        (LoopStream other, LoopStream otherWriter) = NewStreams(loop);
        Task<int>? last = null;
        loop.Run(async () =>
        {
            using var cancel = new CancellationTokenSource();
            Task<int> reading = reader.ReadAsync(new byte[1], cancel.Token).AsTask();
            cancel.Cancel();
            OperationCanceledException cancelled = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => reading);
            Assert.Equal(cancel.Token, cancelled.CancellationToken);
            reading = reader.ReadAsync(new byte[1]).AsTask();
            await Task.Run(reader.Dispose);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
            await Assert.ThrowsAsync<IOException>(async () => await writer.WriteAsync(new byte[1])); // EPIPE
            last = other.ReadAsync(new byte[1]).AsTask();
        });
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(last!.Exception!.InnerException);
        writer.Dispose();
        other.Dispose();
        otherWriter.Dispose();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Reads_and_writes_that_wait_allocate_nothing(bool isCancellable)
    {
        Loop loop = NewLoop();
        using var source = new CancellationTokenSource();
        CancellationToken token = isCancellable ? source.Token : default;
        (LoopStream reader, LoopStream writer) = NewStreams(loop);
        (LoopStream slowReader, LoopStream fullWriter) = NewStreams(loop);
        loop.Run(async () =>
        {
            Assert.Equal(0, await AllocatedByReadsAsync(reader, writer, token));
            Assert.Equal(0, await AllocatedByWritesAsync(slowReader, fullWriter, token));
        });

        reader.Dispose();
        writer.Dispose();
        slowReader.Dispose();
        fullWriter.Dispose();
    }

    // The runtime may allocate while it still optimizes the code. An allocation of the library would appear in every attempt.
    private static async Task<long> AllocatedByReadsAsync(LoopStream reader, LoopStream writer, CancellationToken token)
    {
        byte[] some = new byte[1];
        long least = long.MaxValue;

        for (int attempt = 0; attempt < 8 && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();

            for (int i = 0; i < 200; i++)
            {
                ValueTask<int> reading = reader.ReadAsync(some, token);
                Assert.False(reading.IsCompleted);
                writer.Write(some);
                await reading;
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    private static async Task<long> AllocatedByWritesAsync(LoopStream reader, LoopStream writer, CancellationToken token)
    {
        byte[] all = new byte[200_000]; // more than the pipe holds
        long least = long.MaxValue;

        for (int attempt = 0; attempt < 8 && least > 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();

            for (int i = 0; i < 100; i++)
            {
                ValueTask writing = writer.WriteAsync(all, token);
                Assert.False(writing.IsCompleted);

                for (int left = all.Length; left > 0;)
                {
                    left -= await reader.ReadAsync(all, token);
                }

                await writing;
            }

            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }

    [Fact]
    public async Task Any_thread_may_read_and_write()
    {
        await using var thread = new LoopThread("pipe");
        (LoopStream reader, LoopStream writer) = NewStreams(thread.Loop);
        byte[] buffer = new byte[10];

        for (int i = 0; i < 1000; i++)
        {
            ValueTask<int> reading = reader.ReadAsync(buffer);
            await writer.WriteAsync(new byte[] { (byte)i });
            Assert.Equal(1, await reading);
            Assert.Equal((byte)i, buffer[0]);
        }

        Task late = Task.Run(async () =>
        {
            await Task.Delay(50);
            writer.WriteByte(9);
        });
        Assert.Equal(9, reader.ReadByte()); // blocks this thread
        await late;
        reader.ReadTimeout = 20;
        Assert.Throws<IOException>(() => reader.ReadByte());
        await writer.DisposeAsync();
        Assert.Equal(0, await reader.ReadAsync(buffer));
        await reader.DisposeAsync();
    }

    [Fact]
    public void Signals_do_not_prolong_the_timeout_of_a_blocking_read()
    {
        using var guard = PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR2, context => context.Cancel = true);
        Loop loop = NewLoop();
        (LoopStream reader, LoopStream writer) = NewStreams(loop);
        reader.ReadTimeout = 300;
        nint thread = Posix.ThisThread();
        using var stop = new CancellationTokenSource();
        var sender = new Thread(() =>
        {
            for (double end = Ev.Time() + Patience; !stop.IsCancellationRequested && Ev.Time() < end; Thread.Sleep(50))
            {
                Posix.RaiseIn(thread, Signum.SIGUSR2);
            }
        });
        sender.Start();
        double begin = Ev.Time();
        Assert.Throws<IOException>(() => reader.ReadByte());
        double end = Ev.Time();
        stop.Cancel();
        sender.Join();
        Assert.InRange(end - begin, 0.29, Patience / 2);
        reader.Dispose();
        writer.Dispose();
    }

    [Fact]
    public void A_stream_that_writes_is_made_only_over_a_non_blocking_eventfd()
    {
        Loop loop = NewLoop();
        using var blocking = new SafeFileHandle(Posix.EventFd(blocking: true), ownsHandle: true);
        using var other = new SafeFileHandle(Posix.EventFd(blocking: false), ownsHandle: true);
        Assert.Equal(
            "handle",
            Assert.Throws<ArgumentException>(() => new LoopStream(loop, blocking, FileAccess.ReadWrite)).ParamName);
        loop.Run(async () =>
        {
            using var reader = new LoopStream(loop, blocking, FileAccess.Read);
            using var stream = new LoopStream(loop, other, FileAccess.ReadWrite);
            byte[] buffer = new byte[8];
            ValueTask<int> reading = reader.ReadAsync(buffer);
            Assert.False(reading.IsCompleted);
            await stream.WriteAsync(BitConverter.GetBytes(5L));
            Posix.Write(blocking, 7L);
            Assert.Equal((8, 7L), (await reading, BitConverter.ToInt64(buffer)));
            Assert.Equal((8, 5L), (await stream.ReadAsync(buffer), BitConverter.ToInt64(buffer)));
        });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_write_throws_if_its_value_does_not_fit_into_the_eventfd_now(bool isBlocking)
    {
        Loop loop = NewLoop();
        using var handle = new SafeFileHandle(Posix.EventFd(blocking: false), ownsHandle: true);
        byte[] most = BitConverter.GetBytes(ulong.MaxValue - 5), five = BitConverter.GetBytes(5L), three = BitConverter.GetBytes(3L);
        loop.Run(async () =>
        {
            using var stream = new LoopStream(loop, handle, FileAccess.ReadWrite);
            await WriteAsync(stream, most);
            IOException e = await Assert.ThrowsAsync<IOException>(() => WriteAsync(stream, five));
            Assert.Contains("too large", e.Message, StringComparison.Ordinal); // EOVERFLOW
            await WriteAsync(stream, three);
            byte[] buffer = new byte[8];
            Assert.Equal((8, ulong.MaxValue - 2), (await stream.ReadAsync(buffer), BitConverter.ToUInt64(buffer)));
            await WriteAsync(stream, five);
        });

        async Task WriteAsync(LoopStream stream, byte[] value)
        {
            if (isBlocking)
            {
                stream.WriteTimeout = (int)(Patience * 1000);
                stream.Write(value);
            }
            else
            {
                await stream.WriteAsync(value);
            }
        }
    }

    [Fact]
    public void A_PipeReader_and_a_PipeWriter_over_a_socket_have_backpressure()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        client.SendBufferSize = server.ReceiveBufferSize = 65536;
        long written = 0;
        loop.Run(async () =>
        {
            using var from = new LoopStream(loop, client);
            using var to = new LoopStream(loop, server);
            PipeWriter writer = PipeWriter.Create(from);
            PipeReader reader = PipeReader.Create(to);
            Task writing = WriteAsync();
            await loop.Delay(0.1);
            long held = written;
            await loop.Delay(0.1);
            Assert.Equal(held, written); // the peer does not read, so the flush waits
            Assert.InRange(held, 1, 2_900_000);
            long read = 0;

            while (true)
            {
                ReadResult result = await reader.ReadAsync();
                read += result.Buffer.Length;
                reader.AdvanceTo(result.Buffer.End);

                if (result.IsCompleted)
                {
                    break;
                }
            }

            await writing;
            Assert.Equal(3_000_000, read);

            async Task WriteAsync()
            {
                for (int i = 0; i < 300; i++)
                {
                    writer.Write(new byte[10_000]);
                    await writer.FlushAsync();
                    written += 10_000;
                }

                client.Shutdown(SocketShutdown.Send);
            }
        });
    }

    private static void Type(int master, string text)
    {
        foreach (byte value in Encoding.ASCII.GetBytes(text))
        {
            Posix.Write(master, value);
        }
    }

    // /proc gives the flags of the open file in octal.
    private static bool IsBlocking(int fd) => (Convert.ToInt32(
        File.ReadLines($"/proc/self/fdinfo/{fd}").Single(l => l.StartsWith("flags:", StringComparison.Ordinal))[6..].Trim(), 8) & 0x800) == 0;

    private static void SetBlocking(int fd) => Posix.SetBlocking(fd);

    private static (LoopStream Reader, LoopStream Writer) NewStreams(Loop loop)
    {
        (int read, int write) = Posix.Pipe();
        Posix.SetBlocking(read);
        Posix.SetBlocking(write);
        return (
            new LoopStream(loop, new SafeFileHandle(read, ownsHandle: true), FileAccess.Read, ownsHandle: true),
            new LoopStream(loop, new SafeFileHandle(write, ownsHandle: true), FileAccess.Write, ownsHandle: true));
    }
}
