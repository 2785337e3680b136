using System;
using System.Diagnostics;
using System.IO;
using System.IO.Pipes;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Handles of every type that are disposed while an Io or a WaitAsync watches them.</summary>
public sealed class IoHandleTests : AwaitTestBase
{
    // In seconds. The library promises to notice a closed handle within one second. A busy machine may need more.
    private const double Soon = 5;

    /// <summary>Every type of handle that NewSubject can create.</summary>
    public static TheoryData<Handles> AllHandles => [.. Enum.GetValues<Handles>()];

    public enum Handles
    {
        ProcessOutput,
        AnonymousPipe,
        NamedPipe,
        SocketHandle,
        Socket,
        FileHandle,
        HandleThatWaits,
    }

    [Theory]
    [MemberData(nameof(AllHandles))]
    public void Dispose_in_the_callback_returns(Handles kind) => InTime(() =>
    {
        Loop loop = NewLoop();
        using Subject subject = NewSubject(kind);
        int calls = 0;
        Io io = subject.Watch(loop, (w, _) =>
        {
            calls++;
            subject.Read(); // a pipe stream makes its Socket at the first read
            subject.Dispose();
            w.Stop();
        });
        io.Start();
        subject.MakeReadable();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        CheckUsable(loop);
    });

    [Theory]
    [MemberData(nameof(AllHandles))]
    public void Dispose_outside_the_loop_returns(Handles kind) => InTime(() =>
    {
        Loop loop = NewLoop();
        using Subject subject = NewSubject(kind);
        Io io = subject.Watch(loop, (_, _) => { });
        io.Start();
        loop.Start(RunFlags.NoWait);
        subject.Dispose();
        io.Stop();
        CheckUsable(loop);
    });

    [Theory]
    [MemberData(nameof(AllHandles))]
    public void Dispose_during_WaitAsync_returns_and_the_wait_ends(Handles kind) => InTime(() =>
    {
        Loop loop = NewLoop();
        using Subject subject = NewSubject(kind);
        Drive(loop, async () =>
        {
            Task<Events> ready = subject.WaitAsync(loop).AsTask();
            await loop.Delay(0.005);
            subject.Dispose();

            if (kind == Handles.FileHandle)
            {
                subject.MakeReadable(); // a SafeFileHandle stays open until the wait ends
                Assert.Equal(Events.Read, await ready);
                return;
            }

            double begin = loop.Now();
            ObjectDisposedException e = await Assert.ThrowsAsync<ObjectDisposedException>(() => ready);
            Assert.Equal(subject.Name, e.ObjectName);
            Assert.InRange(loop.Now() - begin, 0, Soon);
        });
        AssertIdle(loop);
    });

    [Theory]
    [MemberData(nameof(AllHandles))]
    public void The_finalizer_of_a_watched_handle_returns(Handles kind) => InTime(() =>
    {
        Abandon(kind);
        var watch = Stopwatch.StartNew();
        Collect();
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, Soon);
    });

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_whose_handle_is_disposed_stops_itself_within_a_second(Backends backend)
    {
        foreach (Handles kind in new[] { Handles.Socket, Handles.SocketHandle, Handles.AnonymousPipe, Handles.HandleThatWaits })
        {
            Loop loop = NewLoop(backend);
            using Subject subject = NewSubject(kind);
            int calls = 0;
            Io io = subject.Watch(loop, (_, _) => calls++);
            io.Start();
            loop.Start(RunFlags.NoWait);
            subject.Dispose();
            var watch = Stopwatch.StartNew();
            Assert.False(loop.Start(), kind.ToString());
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, Soon);
            Assert.False(io.IsActive);
            Assert.Equal(0, calls);
            CheckUsable(loop);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_whose_fd_number_belongs_to_another_file_stops_itself(Backends backend)
    {
        Loop loop = NewLoop(backend);
        using Subject subject = NewSubject(Handles.Socket);
        Io io = subject.Watch(loop, (_, _) => Assert.Fail("The Io got an event of the other file."));
        io.Fatal = true;
        io.Start();
        loop.Start(RunFlags.NoWait);
        subject.Dispose();
        Posix.Replace(io.Fd, with: NewPipe().Read);
        Assert.False(loop.Start());
        Assert.False(io.IsActive);
        Posix.Close(io.Fd);
    }

    [Fact]
    public void An_io_on_a_manual_clock_stops_itself()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        using Subject subject = NewSubject(Handles.Socket);
        Io io = subject.Watch(loop, (_, _) => { });
        io.Start();
        double now = clock.Now;
        subject.Dispose();
        Assert.True(Posix.Until(() => !loop.Start(RunFlags.NoWait), Soon));
        Assert.False(io.IsActive);
        Assert.Equal(now, clock.Now);
    }

    [Fact]
    public void An_io_of_an_embedded_loop_stops_itself()
    {
        Loop inner = NewLoop(Backends.Epoll), outer = NewLoop();
        using Subject subject = NewSubject(Handles.Socket);
        Io io = subject.Watch(inner, (_, _) => { });
        io.Start();
        using Embed embed = outer.Embed(inner);
        embed.Start();
        outer.Start(RunFlags.NoWait);
        subject.Dispose();
        double end = outer.Now(update: true) + Soon;

        while (io.IsActive && outer.Now() < end)
        {
            RunFor(outer, 0.05);
        }

        Assert.False(io.IsActive);
    }

    [Fact]
    public void An_io_that_does_not_keep_the_loop_alive_stops_itself()
    {
        Loop loop = NewLoop();
        using Subject subject = NewSubject(Handles.Socket);
        Io io = subject.Watch(loop, (_, _) => { });
        io.KeepAlive = false;
        io.Start();
        Assert.False(loop.Start()); // the search for closed handles does not keep Start from returning
        subject.Dispose();
        double end = loop.Now(update: true) + Soon;

        while (io.IsActive && loop.Now() < end)
        {
            RunFor(loop, 0.05);
        }

        Assert.False(io.IsActive);
    }

    [Fact]
    public void A_handle_that_another_thread_disposes_is_noticed_by_a_loop_that_waits()
    {
        Loop loop = NewLoop();
        using Subject subject = NewSubject(Handles.Socket);
        Io io = subject.Watch(loop, (_, _) => { });
        io.Start();
        var thread = new Thread(() =>
        {
            Thread.Sleep(50);
            subject.Dispose();
        });
        thread.Start();
        Assert.False(loop.Start());
        thread.Join();
        Assert.False(io.IsActive);
    }

    [Fact]
    public void A_loop_without_handles_is_not_woken()
    {
        Loop loop = NewLoop();
        (int read, _) = NewPipe();
        loop.Io(read, Events.Read, (_, _) => { }).Start();
        uint before = 0;
        loop.Timer(2.5, 0, (_, _) => loop.Stop()).Start();

        using (Subject subject = NewSubject(Handles.Socket))
        using (Io io = subject.Watch(loop, (_, _) => { }))
        {
            io.Start();
            loop.Start(RunFlags.NoWait);
        }

        // The loop may search for closed handles once more.
        loop.Timer(0.9, 0, (_, _) => before = loop.Iteration).Start();
        loop.Start();
        Assert.InRange(loop.Iteration - before, 0u, 2u);
    }

    [Fact]
    public void Closed_handles_are_found_among_ten_thousand_watchers()
    {
        Loop loop = NewLoop();
        var stopped = new Io[10];

        for (int i = 0; i < 10_000; i++)
        {
            loop.Timer(1000 + i, 0, (_, _) => { }).Start();

            if (i % 1000 == 999)
            {
                (Socket client, Socket server) = NewConnection();
                stopped[i / 1000] = loop.Io(server, Events.Read, (_, _) => { });
                stopped[i / 1000].Start();
                server.Dispose();
                loop.Io(client, Events.None, (_, _) => { }).Start();
            }
        }

        double end = loop.Now(update: true) + Soon;

        while (Array.Exists(stopped, io => io.IsActive) && loop.Now() < end)
        {
            RunFor(loop, 0.05);
        }

        Assert.All(stopped, io => Assert.False(io.IsActive));
    }

    [Fact]
    public void An_abandoned_loop_with_an_active_io_of_a_handle_is_collected()
    {
        WeakReference loop = Make();
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return !loop.IsAlive;
        }));

        [MethodImpl(MethodImplOptions.NoInlining)]
        WeakReference Make()
        {
            var made = new Loop(LoopFlags.NoEnv);
            (_, Socket server) = NewConnection();
            made.Io(server, Events.Read, (_, _) => { }).Start();
            made.Start(RunFlags.NoWait);
            return new WeakReference(made);
        }
    }

    [Fact]
    public void A_file_that_an_abandoned_loop_watched_is_closed()
    {
        int fd = Make();
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return !Posix.IsOpen(fd);
        }));

        [MethodImpl(MethodImplOptions.NoInlining)]
        int Make()
        {
            int read = NewPipe().Read;
            Disown(read);
            var loop = new Loop(LoopFlags.NoEnv);
            loop.Io(new SafeFileHandle(read, ownsHandle: true), Events.Read, (_, _) => { }).Start();
            loop.Start(RunFlags.NoWait);
            return read;
        }
    }

    [Fact]
    public void The_exception_for_a_closed_and_reused_fd_names_the_fd()
    {
        Loop loop = NewLoop(Backends.Poll); // poll reports a closed fd at once
        int fd = NewPipe().Read, other = NewReadablePipe().Read;
        Io io = loop.Io(fd, Events.Read, (_, _) => { });
        io.Start();
        loop.Start(RunFlags.NoWait);
        Posix.Close(fd);
        loop.Callback = l =>
        {
            if (io.IsPending && !io.IsActive)
            {
                Posix.Replace(fd, other);
            }

            l.Invoke();
        };
        EventException e = Assert.Throws<EventException>(() => loop.Start());
        Assert.Contains($"{fd}", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("Success", e.Message, StringComparison.Ordinal);
        Assert.NotEqual(0, e.NativeErrorCode);
    }

    // Runs the test on a thread of its own. If a Dispose waits for ever, the test fails and leaves the thread behind, and the
    // run does not hang.
    private static void InTime(Action test)
    {
        Exception? thrown = null;
        var thread = new Thread(() => thrown = Record.Exception(test)) { IsBackground = true };
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)), "It hangs.");
        Assert.Null(thrown);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Abandon(Handles kind)
    {
        var loop = new Loop(LoopFlags.NoEnv);
        Subject subject = NewSubject(kind);
        subject.Watch(loop, (_, _) => { }).Start();
        loop.Start(RunFlags.NoWait);
    }

    private Subject NewSubject(Handles kind)
    {
        switch (kind)
        {
            case Handles.ProcessOutput:
                Process process = Own(Process.Start(new ProcessStartInfo("/bin/cat") { RedirectStandardInput = true, RedirectStandardOutput = true })!);
                var output = (AnonymousPipeClientStream)process.StandardOutput.BaseStream;
                return new Subject(output.SafePipeHandle, output, process.StandardInput.Close);
            case Handles.AnonymousPipe:
                var server = new AnonymousPipeServerStream(PipeDirection.In);
                var writer = new AnonymousPipeClientStream(PipeDirection.Out, server.ClientSafePipeHandle);
                return new Subject(server.SafePipeHandle, server, () => Own(writer).WriteByte(1));
            case Handles.NamedPipe:
                string name = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName());
                var listening = new NamedPipeServerStream(name);
                NamedPipeClientStream client = Own(new NamedPipeClientStream(name));
                Task connected = listening.WaitForConnectionAsync();
                client.Connect();
                connected.Wait();
                return new Subject(listening.SafePipeHandle, listening, () => client.WriteByte(1));
            case Handles.SocketHandle:
                (Socket one, Socket two) = NewConnection();
                return new Subject(two.SafeHandle, two, () => one.Send([1])) { Name = typeof(Socket).FullName! };
            case Handles.Socket:
                (Socket near, Socket far) = NewConnection();
                return new Subject(far.SafeHandle, far, () => near.Send([1])) { Socket = far, Name = typeof(Socket).FullName! };
            case Handles.FileHandle:
                (int read, int write) = NewPipe();
                Disown(read);
                var file = new SafeFileHandle(read, ownsHandle: true);
                return new Subject(file, file, () => Posix.Write(write));
            default:
                (int end, int other) = NewPipe();
                Disown(end);
                var waiting = new WaitingHandle(end);
                return new Subject(waiting, waiting, () => Posix.Write(other));
        }
    }

    /// <summary>A handle of one type, the object that owns it, and an action that makes it readable.</summary>
    private sealed class Subject(SafeHandle handle, IDisposable owner, Action makeReadable) : IDisposable
    {
        public Socket? Socket { get; init; }

        public string Name { get; init; } = handle.GetType().FullName!;

        public void MakeReadable() => makeReadable();

        public void Read() => (owner as Stream)?.ReadByte();

        public void Dispose() => owner.Dispose();

        public Io Watch(Loop loop, Action<Io, Events> callback) => Socket is null
            ? loop.Io(handle, Events.Read, callback)
            : loop.Io(Socket, Events.Read, callback);

        public ValueTask<Events> WaitAsync(Loop loop) => Socket is null
            ? loop.WaitAsync(handle, Events.Read)
            : loop.WaitAsync(Socket, Events.Read);
    }

    /// <summary>A handle whose Dispose waits until every reference to it is released, as the Dispose of a socket does.</summary>
    private sealed class WaitingHandle : SafeHandleMinusOneIsInvalid
    {
        private volatile bool _released;

        internal WaitingHandle(int fd)
            : base(ownsHandle: true) => SetHandle(fd);

        protected override bool ReleaseHandle()
        {
            Posix.Close((int)handle);
            _released = true;
            return true;
        }

        protected override void Dispose(bool disposing)
        {
            base.Dispose(disposing);
            SpinWait.SpinUntil(() => _released);
        }
    }
}
