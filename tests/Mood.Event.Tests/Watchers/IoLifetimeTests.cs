using System;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The fd of an Io is closed, kept open or reused for another file while the Io is active.</summary>
public sealed class IoLifetimeTests : FdTestBase
{
    private const int EBADF = 9;

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_fd_closed_before_it_is_registered_ends_Start_with_its_number(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewPipe().Read, calls = 0;
        Io io = loop.Io(fd, Events.Read, (_, _) => calls++);
        io.Start();
        CloseFd(fd);

        CheckNamed(fd, Assert.Throws<EventException>(() => loop.Start()));
        Assert.False(io.IsActive);
        Assert.False(io.IsPending);
        Assert.Equal(0, calls);
        CheckUsable(loop);
    }

    [Fact]
    public void An_io_started_again_before_its_error_was_reported_holds_its_SafeHandle_once()
    {
        // poll reports a closed fd at once.
        Loop loop = NewLoop(Backends.Poll);
        (int number, _) = NewPipe();
        int other = NewReadablePipe().Read, errors = 0;
        Disown(number);
        var handle = new SafeFileHandle(number, ownsHandle: true);
        Io io = loop.Io(handle, Events.Read, (_, _) => { });
        io.Start();
        loop.Start(RunFlags.NoWait);
        Posix.Close(number);
        loop.Callback = l =>
        {
            if (io.IsPending && !io.IsActive)
            {
                errors++;
                Posix.Replace(number, other); // gives the number to an open file
                io.Start();
            }

            l.Invoke();
        };
        Exception? exception = null;
        loop.CallbackException += (_, e) => exception = e.Exception;
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.IsType<EventException>(exception);
        Assert.Equal(1, errors);
        Assert.True(io.IsActive);

        // The Io holds the handle once, so the handle closes the fd when the Io stops.
        handle.Dispose();
        Assert.True(Posix.IsOpen(number));
        io.Stop();
        Assert.False(Posix.IsOpen(number));
        io.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_closed_fd_is_reported_at_once_although_no_other_fd_is_ready(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewPipe().Read;
        loop.Io(NewPipe().Read, Events.Read, (_, _) => { }).Start();
        loop.Start(RunFlags.NoWait);
        Io io = loop.Io(fd, Events.Read, (_, _) => { });
        io.Start();
        CloseFd(fd);
        var watch = Stopwatch.StartNew();
        CheckNamed(fd, Assert.Throws<EventException>(() => loop.Start()));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, Patience / 2);
        Assert.False(io.IsActive);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_registered_fd_that_is_closed_ends_Start_or_is_not_noticed(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewPipe().Read, calls = 0;
        Io io = loop.Io(fd, Events.Read, (_, _) => calls++);
        io.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        CloseFd(fd);

        if (backend is Backends.Poll or Backends.Select)
        {
            CheckNamed(fd, Assert.Throws<EventException>(() => loop.Start()));
            Assert.False(io.IsActive);
        }
        else
        {
            Assert.True(loop.Start(RunFlags.NoWait));
            Assert.True(io.IsActive);
            io.Stop();
        }

        Assert.Equal(0, calls);
        CheckUsable(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_closed_fd_of_an_io_without_KeepAlive_does_not_change_the_reference_count(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewPipe().Read, calls = 0;
        Io io = loop.Io(fd, Events.Read, (_, _) => { });
        io.KeepAlive = false;
        io.Start();
        CloseFd(fd);
        Assert.Throws<EventException>(() => loop.Start(RunFlags.NoWait));
        Assert.False(loop.Start());

        loop.Timer(0.01, 0, (_, _) => calls++).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Every_io_of_a_closed_fd_is_stopped_and_the_other_ios_work(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int fd = NewPipe().Read, calls = 0;
        Io a = loop.Io(fd, Events.Read, (_, _) => { }), b = loop.Io(fd, Events.Read, (_, _) => { });
        Io other = loop.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++);
        a.Start();
        b.Start();
        other.Start();
        CloseFd(fd);

        // Each Io may be reported in an iteration of its own.
        for (int i = 0; i < 3; i++)
        {
            Record.Exception(() => loop.Start(RunFlags.Once));
        }

        Assert.False(a.IsActive);
        Assert.False(b.IsActive);
        Assert.True(other.IsActive);
        loop.Start(RunFlags.Once);
        Assert.NotEqual(0, calls);
    }

    [Fact]
    public void Start_refuses_an_fd_that_was_closed_meanwhile()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        Io io = loop.Io(fd, Events.Read, (_, _) => { });
        CloseFd(fd);
        CheckNamed(fd, Assert.Throws<EventException>(io.Start));
        Assert.False(io.IsActive);
        Assert.False(loop.Start());
        CheckUsable(loop);
        io.Dispose();
    }

    [Fact]
    public void Start_refuses_a_handle_and_a_socket_that_were_disposed_meanwhile()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read, reused = NewReadablePipe().Read;
        Disown(fd);
        var handle = new SafeFileHandle(fd, ownsHandle: true);
        Io io = loop.Io(handle, Events.Read, (_, _) => { });
        handle.Dispose();

        (Socket client, Socket server) = NewConnection();
        Io second = loop.Io(server, Events.Read, (_, _) => { });
        server.Dispose();

        // Other files get the numbers.
        Posix.Replace(fd, with: reused);
        Posix.Replace(second.Fd, with: reused);
        CheckNamed(fd, Assert.Throws<EventException>(io.Start));
        CheckNamed(second.Fd, Assert.Throws<EventException>(second.Start));
        Assert.False(io.IsActive);
        Assert.False(second.IsActive);
        Posix.Close(fd, second.Fd);
        io.Dispose();
        second.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_fd_number_that_is_closed_and_reused_between_two_iterations_is_watched(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, _) = NewPipe();
        int calls = 0;
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        io.Start();
        loop.Start(RunFlags.NoWait);

        io.Stop();
        Posix.Replace(read, with: NewReadablePipe().Read);
        io.Start(); // no iteration has run since Stop
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_fd_number_that_is_closed_and_reused_in_a_callback_is_watched(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewReadablePipe();
        (int otherRead, int otherWrite) = NewPipe();
        string log = "";
        loop.Io(read, Events.Read, (w, _) =>
        {
            log += "a";
            w.Stop();
            Posix.Replace(read, with: otherRead);
            loop.Io(read, Events.Read, (o, _) =>
            {
                log += "b";
                o.Stop();
            }).Start();
            Posix.Write(otherWrite);
        }).Start();

        Assert.False(loop.Start());
        Assert.Equal("ab", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void After_a_number_is_reused_events_of_the_old_file_are_not_reported(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        Io io = loop.Io(read, Events.Read, (_, _) => calls++);
        io.Start();
        loop.Start(RunFlags.NoWait);

        io.Stop();
        Posix.Replace(read, with: NewPipe().Read);
        io.Start();
        Record.Exception(() => Posix.Write(write)); // fails with EPIPE, because no reader is left
        loop.Timer(0.02, 0, (_, _) => loop.Stop()).Start();
        loop.Start();
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_SafeHandle_stays_open_while_its_io_is_active(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        Disown(read);
        var handle = new SafeFileHandle(read, ownsHandle: true);
        int calls = 0;
        Io io = loop.Io(handle, Events.Read, (w, _) =>
        {
            calls++;
            Assert.True(Posix.IsOpen(read));
            w.Stop();
        });
        io.Fatal = true;
        io.Start();
        handle.Dispose();
        Assert.True(Posix.IsOpen(read));
        Posix.Write(write);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.False(Posix.IsOpen(read));
    }

    [Fact]
    public void A_SafeHandle_is_released_however_its_io_ends()
    {
        Loop loop = NewLoop();
        CheckClosed(io => io.Stop());
        CheckClosed(io => io.Dispose());
        CheckClosed(io =>
        {
            io.Events = Events.Write; // stops and starts the native watcher, and must not hold the handle twice
            io.Stop();
        });
        CheckClosed(io =>
        {
            io.Start();
            io.Stop();
        });
        CheckClosed(io => loop.Dispose());

        void CheckClosed(Action<Io> end)
        {
            int fd = NewPipe().Read;
            Disown(fd);
            var handle = new SafeFileHandle(fd, ownsHandle: true);
            Io io = loop.Io(handle, Events.Read, (_, _) => { });
            io.Start();
            handle.Dispose();
            Assert.True(Posix.IsOpen(fd));
            end(io);
            Assert.False(Posix.IsOpen(fd));
            io.Dispose();
        }
    }

    [Fact]
    public void A_SafeHandle_of_an_inactive_io_can_be_closed()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        Disown(fd);
        var handle = new SafeFileHandle(fd, ownsHandle: true);
        using Io io = loop.Io(handle, Events.Read, (_, _) => { });
        handle.Dispose();
        Assert.False(Posix.IsOpen(fd));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_can_be_disposed_in_its_own_callback(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            calls++;
            w.Dispose();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void An_active_io_without_other_references_is_not_collected()
    {
        Loop loop = NewLoop();
        (int read, int write) = NewPipe();
        int calls = 0;
        StartAndForget();
        Collect();
        Posix.Write(write);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);

        void StartAndForget() => loop.Io(read, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();
    }

    private static void CheckNamed(int fd, EventException e)
    {
        Assert.Equal(EBADF, e.NativeErrorCode);
        Assert.Contains(fd.ToString(CultureInfo.InvariantCulture), e.Message, StringComparison.Ordinal);
    }
}
