using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The events that an Io reports, on every backend.</summary>
public sealed class IoBackendTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_pipe_becomes_readable_when_data_arrives(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        string log = "";
        loop.Io(read, Events.Read, (w, e) =>
        {
            log += $"{(int)e} {Posix.Read(w.Fd)} ";
            w.Stop();
        }).Start();
        loop.Timer(0.02, 0, (_, _) =>
        {
            log += "written ";
            Posix.Write(write, 7);
        }).Start();

        Assert.False(loop.Start());
        Assert.Equal("written 1 7 ", log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_thread_that_ran_the_loop_may_end_before_the_event_comes(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int value = 0;
        loop.Io(read, Events.Read, (w, _) =>
        {
            value = Posix.Read(w.Fd);
            w.Stop();
        }).Start();

        for (int i = 0; i < 3; i++)
        {
            var thread = new Thread(() => loop.Start(RunFlags.NoWait));
            thread.Start();
            thread.Join();
        }

        loop.Timer(0.02, 0, (_, _) => Posix.Write(write, 7)).Start();
        Assert.False(loop.Start());
        Assert.Equal(7, value);

        var other = new Thread(() => loop.Post(() => value = 8));
        loop.Timer(Patience / 4, 0, (_, _) => { }).Start();
        loop.Check((_, _) => loop.Stop(value == 8 ? BreakHow.All : BreakHow.Cancel)).Start();
        other.Start();
        Assert.True(loop.Start());
        other.Join();
        Assert.Equal(8, value);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_is_level_triggered(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        loop.Io(read, Events.Read, (w, _) =>
        {
            if (++calls > 2)
            {
                Posix.Read(w.Fd);
            }
        }).Start();
        Posix.Write(write);
        Posix.Write(write);

        for (int i = 0; i < 10 && calls < 4; i++)
        {
            loop.Start(RunFlags.Once);
        }

        Assert.Equal(4, calls);
        RunFor(loop, 0.02);
        Assert.Equal(4, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_pipe_is_writable_until_it_is_full(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        List<Events> seen = [];
        loop.Io(write, Events.Write, (w, e) =>
        {
            seen.Add(e);
            Posix.Fill(w.Fd);
        }).Start();

        RunFor(loop, 0.02);
        Assert.Equal([Events.Write], seen);
        Posix.Drain(read);
        RunFor(loop, 0.02);
        Assert.Equal([Events.Write, Events.Write], seen);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_end_of_a_pipe_is_readable(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        Events seen = Events.None;
        loop.Io(read, Events.Read, (w, e) =>
        {
            seen = e;
            w.Stop();
        }).Start();
        CloseFd(write);
        Assert.False(loop.Start());
        Assert.Equal(Events.Read, seen);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_socket_reports_both_directions_to_one_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        List<Events> seen = [];
        loop.Io(server, Events.Read | Events.Write, (w, e) =>
        {
            seen.Add(e);

            if (seen.Count == 1)
            {
                client.Send([1]);
                Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
            }
            else
            {
                w.Stop();
            }
        }).Start();

        Assert.False(loop.Start());
        Assert.Equal([Events.Write, Events.Read | Events.Write], seen);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_listening_socket_is_readable_when_a_client_connects(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        Socket client = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        Socket? accepted = null;
        loop.Io(listener, Events.Read, (w, _) =>
        {
            accepted = Own(listener.Accept());
            w.Stop();
        }).Start();
        loop.Timer(0.01, 0, (_, _) => client.Connect(listener.LocalEndPoint!)).Start();
        Assert.False(loop.Start());
        Assert.Equal(client.LocalEndPoint, accepted?.RemoteEndPoint);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_datagram_makes_its_socket_readable(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket receiver = Own(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        Socket sender = Own(new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp));
        receiver.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Loopback, 0));
        byte[] data = new byte[10];
        int size = 0;
        loop.Io(receiver, Events.Read, (w, _) =>
        {
            size = receiver.Receive(data);
            w.Stop();
        }).Start();
        sender.SendTo([1, 2, 3], receiver.LocalEndPoint!);
        Assert.False(loop.Start());
        Assert.Equal(3, size);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_regular_file_is_always_ready(Backends backend)
    {
        Loop loop = NewLoop(backend);
        using FileStream file = new(Path.GetTempFileName(), FileMode.Open, FileAccess.ReadWrite, FileShare.None, 1, FileOptions.DeleteOnClose);
        Events seen = Events.None;
        Io io = loop.Io(file.SafeFileHandle, Events.Read | Events.Write, (w, e) =>
        {
            seen |= e;

            if (seen == (Events.Read | Events.Write))
            {
                w.Stop();
            }
        });
        io.Start();
        Assert.False(loop.Start());
        Assert.Equal(Events.Read | Events.Write, seen);
        io.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_with_the_mask_None_is_active_and_never_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewReadablePipe();
        int calls = 0;
        Io io = loop.Io(read, Events.None, (_, _) => calls++);
        io.Start();
        Assert.True(io.IsActive);
        Assert.True(loop.Start(RunFlags.NoWait));
        CloseFd(write); // the kernel reports a hang-up even to a watcher without events
        RunFor(loop, 0.02);
        Assert.True(io.IsActive);
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Events_can_be_changed_while_active(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
        Events seen = Events.None;
        Io io = loop.Io(server, Events.None, (_, e) => seen |= e);
        io.Start();

        foreach (Events events in new[] { Events.Read, Events.Write, Events.None, Events.Read | Events.Write, Events.Read, Events.None, Events.Write })
        {
            io.Events = events;
            Assert.Equal(events, io.Events);
            Assert.True(io.IsActive);
            seen = Events.None;
            RunFor(loop, 0.01);
            Assert.Equal(events, seen);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Events_changed_in_the_callback_apply_at_once(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        Assert.True(server.Poll(1_000_000, SelectMode.SelectRead));
        List<Events> seen = [];
        loop.Io(server, Events.Read, (w, e) =>
        {
            seen.Add(e);

            if (e == Events.Read)
            {
                w.Events = Events.Write;
            }
            else
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal([Events.Read, Events.Write], seen);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_can_be_stopped_and_started_again(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Io io = loop.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++);

        for (int i = 1; i <= 5; i++)
        {
            io.Start();
            loop.Start(RunFlags.Once);
            Assert.Equal(i, calls);
            io.Stop();
            loop.Start(RunFlags.NoWait);
            Assert.Equal(i, calls);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Reset_keeps_every_io_working(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            calls++;
            Posix.Drain(w.Fd);
        });
        io.Start();

        for (int i = 1; i <= 3; i++)
        {
            loop.Reset();
            Posix.Write(write);
            loop.Start(RunFlags.Once);
            RunFor(loop, 0.01);
            Assert.Equal(i, calls);
        }

        io.Stop();
        Assert.False(loop.Start());
    }
}
