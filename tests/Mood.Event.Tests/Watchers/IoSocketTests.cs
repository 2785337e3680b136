using System;
using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Threading;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A socket is disposed while its Io is active. Dispose does not hang, and the Io's callback is not called for another file that
/// gets the fd number.
/// </summary>
public sealed class IoSocketTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Socket_can_be_disposed_in_the_callback_of_its_io(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        client.Send([1]);
        var watch = new Stopwatch();
        int calls = 0;
        loop.Io(server, Events.Read, (w, _) =>
        {
            calls++;
            watch.Start();
            server.Dispose();
            watch.Stop();
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, Patience / 2);
        CheckUsable(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_Socket_of_a_watched_SafeSocketHandle_can_be_disposed_too(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        Io io = loop.Io(server.SafeHandle, Events.Read, (_, _) => { });
        io.Start();
        loop.Start(RunFlags.NoWait);
        int fd = io.Fd;
        server.Dispose();
        Assert.False(Posix.IsOpen(fd));
        Assert.Null(Record.Exception(() => loop.Start(RunFlags.NoWait)));
        io.Stop();
        CheckUsable(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_whose_Socket_was_disposed_gets_no_event_of_the_reused_number(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        int calls = 0, others = 0;
        Io io = loop.Io(server, Events.Read, (_, _) => calls++);
        io.Start();
        loop.Start(RunFlags.NoWait);

        int fd = io.Fd, reused = NewReadablePipe().Read;
        server.Dispose();
        Posix.Replace(fd, with: reused);
        loop.Io(fd, Events.Read, (w, _) =>
        {
            others++;
            Posix.Read(fd);
        }).Start();
        loop.Timer(0.03, 0, (_, _) => loop.Stop()).Start();
        loop.Start();

        Assert.Equal(0, calls);
        Assert.Equal(1, others);
        Assert.False(io.IsActive); // the other file's event has reached this Io too, which found its socket closed and stopped itself
        loop.Dispose();
        Posix.Close(fd);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_whose_Socket_was_disposed_does_not_stop_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (Socket client, Socket server) = NewConnection();
        int calls = 0;
        Io io = loop.Io(server, Events.Read, (_, _) => calls++);
        io.Start();
        server.Dispose(); // before the loop has registered the socket
        loop.Timer(0.02, 0, (_, _) => loop.Stop(BreakHow.All)).Start();
        Assert.Null(Record.Exception(() => loop.Start()));
        Assert.Equal(0, calls);
        io.Stop();
        CheckUsable(loop);
    }

    [Fact]
    public void A_Socket_can_be_disposed_by_another_thread_while_the_loop_waits()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();

        // Called after the other thread has disposed `server`: the end of the connection makes `client` readable.
        loop.Io(client, Events.Read, (w, _) => w.Stop()).Start();
        Io io = loop.Io(server, Events.Read, (_, _) => { });
        io.KeepAlive = false;
        io.Start();
        using var inside = new ManualResetEventSlim();
        loop.Timer(0, 0, (_, _) => inside.Set()).Start();
        var thread = new Thread(() =>
        {
            inside.Wait();
            server.Dispose();
        });
        thread.Start();
        Assert.False(loop.Start());
        Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)));
        Assert.False(Posix.IsOpen(io.Fd));
    }

    [Fact]
    public void An_Io_and_async_reads_of_one_socket_are_independent()
    {
        Loop loop = NewLoop();
        (Socket client, Socket server) = NewConnection();
        byte[] buffer = new byte[10];
        int calls = 0;
        loop.Io(server, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();

        // .NET's own epoll watches the same socket
        System.Threading.Tasks.Task<int> received = server.ReceiveAsync(buffer, SocketFlags.Peek);
        client.Send([1, 2]);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.True(Posix.Until(() => received.IsCompletedSuccessfully));
        Assert.Equal(2, server.Receive(buffer));
    }
}
