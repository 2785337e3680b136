using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Dispose of a stream on another thread, in the middle of a read or a write: after it has begun, and before it calls the
/// socket.</summary>
public sealed class LoopStreamDisposeTests : AwaitTestBase
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_read_that_Dispose_shuts_down_is_not_the_end_of_the_stream(bool onLoop)
    {
        Loop loop = NewLoop();
        (LoopStream stream, _) = NewStream(loop, owns: true);
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));

        async Task Test()
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.ReadAsync(new Disposer(stream).Memory).AsTask());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_write_that_Dispose_shuts_down_is_no_broken_connection(bool onLoop)
    {
        Loop loop = NewLoop();
        (LoopStream stream, _) = NewStream(loop, owns: true);
        Drive(loop, () => onLoop ? Test() : Task.Run(Test));

        async Task Test()
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => stream.WriteAsync(new Disposer(stream).Memory).AsTask());
        }
    }

    [Fact]
    public void A_waiting_read_that_Dispose_shuts_down_is_not_the_end_of_the_stream()
    {
        Loop loop = NewLoop();
        (LoopStream stream, Socket peer) = NewStream(loop, owns: true);
        Drive(loop, async () =>
        {
            var buffer = new Disposer(stream) { Uses = 1 };
            Task<int> reading = stream.ReadAsync(buffer.Memory).AsTask();
            Assert.False(reading.IsCompleted);
            peer.Shutdown(SocketShutdown.Send); // causes the event that the wait waits for
            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
        });
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_that_Dispose_overtakes_ends_while_no_thread_runs_the_loop(bool owns)
    {
        Loop loop = NewLoop();
        (LoopStream stream, _) = NewStream(loop, owns);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => stream.ReadAsync(new Disposer(stream).Memory).AsTask().WaitAsync(TimeSpan.FromSeconds(Patience)));
    }

    private (LoopStream Stream, Socket Peer) NewStream(Loop loop, bool owns)
    {
        (Socket one, Socket two) = NewConnection();
        return (new LoopStream(loop, one, owns), two);
    }

    /// <summary>A buffer that disposes a stream on another thread when the stream asks for its bytes.</summary>
    private sealed class Disposer(LoopStream stream) : MemoryManager<byte>
    {
        private readonly byte[] _bytes = new byte[1];

        /// <summary>How often the stream may ask for the bytes before it is disposed.</summary>
        internal int Uses { get; set; }

        public override Memory<byte> Memory => CreateMemory(1);

        public override Span<byte> GetSpan()
        {
            if (Uses-- == 0)
            {
                var thread = new Thread(stream.Dispose);
                thread.Start();
                thread.Join();
            }

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
