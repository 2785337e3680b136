using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The members of Io. IoRefusalTests has refusals, and IoBackendTests has the events on each backend.</summary>
public sealed class IoTests : FdTestBase
{
    [Fact]
    public void A_new_io_has_its_parameters_and_is_neither_active_nor_pending()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        object data = new();
        using var io = new Io(loop, fd, Events.Read, (_, _) => { }, data, priority: 1);

        Assert.Same(loop, io.Loop);
        Assert.Equal(fd, io.Fd);
        Assert.Equal(Events.Read, io.Events);
        Assert.Same(data, io.Data);
        Assert.Equal(1, io.Priority);
        Assert.NotNull(io.Callback);
        Assert.False(io.IsActive);
        Assert.False(io.IsPending);
        Assert.True(io.KeepAlive);
        Assert.False(io.Fatal);
    }

    [Fact]
    public void The_constructors_take_a_number_a_handle_and_a_socket()
    {
        Loop loop = NewLoop();
        (int read, _) = NewReadablePipe();
        CheckReads(loop, read, callback => new Io(loop, read, Events.Read, callback));

        (int other, _) = NewReadablePipe();
        using SafeFileHandle handle = Adopt(other);
        CheckReads(loop, other, callback => new Io(loop, handle, Events.Read, callback));

        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        CheckReads(loop, (int)server.Handle, callback => new Io(loop, server, Events.Read, callback));
        CheckReads(loop, (int)server.Handle, callback => new Io(loop, server.SafeHandle, Events.Read, callback));
    }

    [Fact]
    public void The_factories_pass_all_their_parameters_to_the_constructor()
    {
        Loop loop = NewLoop();
        object data = new();
        (int read, _) = NewReadablePipe();
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);

        CheckReads(loop, read, callback => Check(loop.Io(read, Events.Read, callback, data, 2)));
        CheckReads(loop, (int)server.Handle, callback => Check(loop.Io(server, Events.Read, callback, data, 2)));
        CheckReads(loop, (int)server.Handle, callback => Check(loop.Io(server.SafeHandle, Events.Read, callback, data, 2)));

        Io Check(Io io)
        {
            Assert.Same(loop, io.Loop);
            Assert.Same(data, io.Data);
            Assert.Equal(2, io.Priority);
            Assert.False(io.IsActive);
            return io;
        }
    }

    [Fact]
    public void Set_gives_an_inactive_io_another_number_handle_or_socket()
    {
        Loop loop = NewLoop();
        (int read, _) = NewReadablePipe();
        (int second, _) = NewReadablePipe();
        using SafeFileHandle handle = Adopt(second);
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        int called = -1;
        using Io io = loop.Io(NewPipe().Read, Events.Write, (w, e) => called = e == Events.Read ? w.Fd : -2);

        io.Set(read, Events.Read);
        CheckCalled(read);
        io.Set(handle, Events.Read);
        CheckCalled(second);
        io.Set(server, Events.Read);
        CheckCalled((int)server.Handle);
        io.Set(server.SafeHandle, Events.Read);
        CheckCalled((int)server.Handle);

        void CheckCalled(int fd)
        {
            called = -1;
            Assert.Equal(fd, io.Fd);
            Assert.Equal(Events.Read, io.Events);
            io.Start();
            loop.Start(RunFlags.NoWait);
            io.Stop();
            Assert.Equal(fd, called);
        }
    }

    [Fact]
    public void Set_is_refused_while_active_and_while_pending()
    {
        Loop loop = NewLoop();
        int fd = NewReadablePipe().Read, other = NewPipe().Write, calls = 0;
        using SafeFileHandle handle = new(other, ownsHandle: false);
        (Socket client, _) = NewConnection();
        Io io = loop.Io(fd, Events.Read, (_, _) => calls++);

        io.Start();
        CheckRefused();
        Assert.True(io.IsActive);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);

        io.Stop();
        io.Feed(Events.Custom);
        CheckRefused();
        Assert.True(io.IsPending);
        loop.Invoke();
        Assert.Equal(2, calls);

        io.Set(other, Events.Write); // accepted, because the Io is neither pending nor active
        Assert.Equal(other, io.Fd);

        void CheckRefused()
        {
            Assert.Throws<InvalidOperationException>(() => io.Set(other, Events.Write));
            Assert.Throws<InvalidOperationException>(() => io.Set(handle, Events.Write));
            Assert.Throws<InvalidOperationException>(() => io.Set(client, Events.Write));
            Assert.Equal(fd, io.Fd);
            Assert.Equal(Events.Read, io.Events);
        }
    }

    [Fact]
    public void A_disposed_io_refuses_everything_but_its_getters()
    {
        Loop loop = NewLoop();
        int fd = NewReadablePipe().Read, calls = 0;
        Io io = loop.Io(fd, Events.Read, (_, _) => calls++);
        io.Start();
        io.Dispose();
        io.Dispose();
        io.Stop();

        Assert.Throws<ObjectDisposedException>(io.Start);
        Assert.Throws<ObjectDisposedException>(() => io.Set(fd, Events.Write));
        Assert.Throws<ObjectDisposedException>(() => io.Events = Events.Write);
        Assert.Throws<ObjectDisposedException>(() => io.Feed(Events.Read));
        Assert.Throws<ObjectDisposedException>(() => io.Invoke(Events.Read));
        Assert.Throws<ObjectDisposedException>(() => io.Clear());
        Assert.Throws<ObjectDisposedException>(() => io.KeepAlive = false);
        Assert.Throws<ObjectDisposedException>(() => io.Priority = 1);

        Assert.Equal(fd, io.Fd);
        Assert.Equal(Events.Read, io.Events);
        Assert.False(io.IsActive);
        Assert.False(io.IsPending);
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
    }

    [Fact]
    public void An_io_of_a_disposed_loop_is_stopped_and_refuses_changes()
    {
        Loop loop = NewLoop();
        int fd = NewReadablePipe().Read;
        Io io = loop.Io(fd, Events.Read, (_, _) => { }), idle = loop.Io(fd, Events.Read, (_, _) => { });
        io.Start();
        loop.Dispose();

        Assert.False(io.IsActive);
        Assert.Throws<ObjectDisposedException>(io.Start);
        Assert.Throws<ObjectDisposedException>(idle.Start);
        Assert.Throws<ObjectDisposedException>(() => idle.Set(fd, Events.Write));
        Assert.Throws<ObjectDisposedException>(() => loop.Io(fd, Events.Read, (_, _) => { }));
        idle.Dispose();
    }

    [Fact]
    public void FeedFdEvent_makes_the_watchers_of_the_event_pending()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        int fd = (int)server.Handle;
        Events seen = Events.None;
        Io io = loop.Io(server, Events.Read, (_, e) => seen |= e);
        io.Start();

        loop.FeedFdEvent(fd, Events.Write);
        Assert.Equal(0, loop.Pending);
        loop.FeedFdEvent(fd, Events.None);
        Assert.Equal(0, loop.Pending);

        CheckFed(() => loop.FeedFdEvent(fd, Events.Read | Events.Write));
        CheckFed(() => loop.FeedFdEvent(server, Events.Read));
        CheckFed(() => loop.FeedFdEvent(server.SafeHandle, Events.Read));

        // No active Io watches these.
        loop.FeedFdEvent(client, Events.Read);
        loop.FeedFdEvent(-1, Events.Read);
        loop.FeedFdEvent(int.MaxValue, Events.Read);
        io.Stop();
        loop.FeedFdEvent(server, Events.Read);
        Assert.Equal(0, loop.Pending);

        void CheckFed(Action feed)
        {
            seen = Events.None;
            feed();
            Assert.Equal(1, loop.Pending);
            Assert.True(io.IsPending);
            loop.Invoke();
            Assert.Equal(Events.Read, seen);
        }
    }

    [Fact]
    public void FeedFdEvent_reaches_every_io_of_the_fd_in_the_order_of_their_starts()
    {
        Loop loop = NewLoop();
        int fd = NewPipe().Read;
        string log = "";
        loop.Io(fd, Events.Read, (_, _) => log += "a").Start();
        loop.Io(fd, Events.Read, (_, _) => log += "b").Start();
        loop.FeedFdEvent(fd, Events.Read);
        Assert.Equal(2, loop.Pending);
        loop.Invoke();
        Assert.Equal("ab", log);
    }

    [Fact]
    public void The_callback_can_be_replaced_while_active()
    {
        Loop loop = NewLoop();
        string log = "";
        Io io = loop.Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            log += "a";
            w.Callback = (_, _) => log += "b";
        });
        io.Start();
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal("ab", log);
    }

    [Fact]
    public void With_KeepAlive_false_Start_returns()
    {
        Loop loop = NewLoop();
        Io io = loop.Io(NewPipe().Read, Events.Read, (_, _) => { });
        io.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        io.KeepAlive = false;
        Assert.False(loop.Start());
        io.Events = Events.None; // stops and starts the native watcher
        Assert.False(loop.Start());
        Assert.True(io.IsActive);
        io.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
    }

    [Fact]
    public void A_second_Start_and_a_second_Stop_do_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Io io = loop.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++);
        io.Start();
        io.Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        io.Stop();
        io.Stop();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Other_threads_are_refused_while_the_loop_runs()
    {
        Loop loop = NewLoop();
        int fd = NewReadablePipe().Read;
        Exception?[] thrown = [];
        loop.Io(fd, Events.Read, (w, _) =>
        {
            var thread = new System.Threading.Thread(() => thrown =
            [
                Record.Exception(w.Stop),
                Record.Exception(() => w.Events = Events.None),
                Record.Exception(() => w.Set(fd, Events.None)),
                Record.Exception(() => loop.FeedFdEvent(fd, Events.Read)),
                Record.Exception(() => loop.Io(fd, Events.Read, (_, _) => { })),
            ]);
            thread.Start();
            thread.Join();
            w.Stop();
        }).Start();

        Assert.False(loop.Start());
        Assert.Equal(5, thrown.Length);
        Assert.All(thrown, e => Assert.IsType<InvalidOperationException>(e));
    }

    private static void CheckReads(Loop loop, int fd, Func<Action<Io, Events>, Io> make)
    {
        Events seen = Events.None;
        Io? caller = null;
        using Io io = make((w, e) =>
        {
            caller = w;
            seen = e;
            w.Stop();
        });
        Assert.Equal(fd, io.Fd);
        Assert.Equal(Events.Read, io.Events);
        io.Start();
        Assert.True(io.IsActive);
        Assert.False(loop.Start());
        Assert.Same(io, caller);
        Assert.Equal(Events.Read, seen);
    }

    private SafeFileHandle Adopt(int fd)
    {
        Disown(fd);
        return new SafeFileHandle(fd, ownsHandle: true);
    }
}
