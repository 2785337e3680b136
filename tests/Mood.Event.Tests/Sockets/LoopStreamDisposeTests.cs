using System;
using System.Buffers;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Another thread disposes a stream during a read or a write, after the call has begun and before it calls the socket.
/// </summary>
public sealed class LoopStreamDisposeTests : AwaitTestBase
{
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void If_Dispose_shuts_down_the_socket_during_a_read_the_read_throws_and_does_not_return_0(bool onLoop)
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
    public void If_Dispose_shuts_down_the_socket_during_a_write_the_write_throws_ObjectDisposedException(bool onLoop)
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
    public void If_Dispose_shuts_down_the_socket_at_the_end_of_a_wait_the_read_throws_and_does_not_return_0()
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
    public async Task A_read_during_which_the_stream_is_disposed_ends_although_no_thread_runs_the_loop(bool owns)
    {
        Loop loop = NewLoop();
        (LoopStream stream, _) = NewStream(loop, owns);
        await Assert.ThrowsAsync<ObjectDisposedException>(
            () => stream.ReadAsync(new Disposer(stream).Memory).AsTask().WaitAsync(TimeSpan.FromSeconds(Patience)));
    }

    /// <summary>A program may derive from SafeHandle, and Dispose of the stream calls its ReleaseHandle.</summary>
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void If_the_handle_throws_when_it_is_closed_the_waits_end_nevertheless(bool onLoop)
    {
        Loop loop = NewLoop();
        Exception? reported = null;
        loop.CallbackException += (_, e) => reported = e.Exception;
        var stream = new LoopStream(loop, new PipeHandle(NewPipe().Read, () => throw new InvalidTimeZoneException()), FileAccess.Read, ownsHandle: true);
        Drive(loop, async () =>
        {
            Task<int> reading = stream.ReadAsync(new byte[1]).AsTask();
            Exception? thrown = null;

            if (onLoop)
            {
                thrown = Record.Exception(stream.Dispose);
            }
            else
            {
                await Task.Run(() => thrown = Record.Exception(stream.Dispose));
            }

            await Assert.ThrowsAsync<ObjectDisposedException>(() => reading);
            Assert.IsType<InvalidTimeZoneException>(onLoop ? thrown : reported);
        });
    }

    [Fact]
    public void While_the_handle_is_closed_no_other_thread_waits_for_the_loop()
    {
        Loop loop = NewLoop();
        bool hasEnded = false;
        var stream = new LoopStream(
            loop,
            new PipeHandle(NewPipe().Read, () =>
            {
                var thread = new Thread(() => _ = loop.Iteration);
                thread.Start();
                hasEnded = thread.Join(TimeSpan.FromSeconds(Patience));
            }),
            FileAccess.Read,
            ownsHandle: true);
        Task<int> reading = stream.ReadAsync(new byte[1]).AsTask();
        loop.Start(RunFlags.NoWait);
        stream.Dispose();
        Assert.True(hasEnded);
        Assert.IsType<ObjectDisposedException>(reading.Exception!.InnerException);
    }

    private (LoopStream Stream, Socket Peer) NewStream(Loop loop, bool owns)
    {
        (Socket one, Socket two) = NewConnection();
        return (new LoopStream(loop, one, owns), two);
    }

    /// <summary>A buffer that disposes the stream on another thread when the stream accesses the bytes of the buffer.</summary>
    private sealed class Disposer(LoopStream stream) : MemoryManager<byte>
    {
        private readonly byte[] _bytes = new byte[1];

        /// <summary>The number of accesses before the one that disposes the stream.</summary>
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

    private sealed class PipeHandle : SafeHandleMinusOneIsInvalid
    {
        private readonly Action _closing;

        internal PipeHandle(int fd, Action closing)
            : base(ownsHandle: true)
        {
            _closing = closing;
            SetHandle(fd);
        }

        // The base class of the tests closes the pipe.
        protected override bool ReleaseHandle()
        {
            _closing();
            return true;
        }
    }
}
