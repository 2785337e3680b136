using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>TryAccept in the callback of an Io.</summary>
public sealed class SocketAcceptTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Accepted_sockets_are_non_blocking_and_closed_in_child_processes(Backends backend)
    {
        const int O_NONBLOCK = 0x800, O_CLOEXEC = 0x80000;
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        Socket[] clients = [.. Enumerable.Range(0, 3).Select(_ => Connect(listener.LocalEndPoint!))];
        List<Socket> accepted = AcceptAll(loop, listener, clients.Length);
        Assert.Equal(clients.Select(c => c.LocalEndPoint), accepted.Select(a => a.RemoteEndPoint));
        Assert.All(accepted, a =>
        {
            Assert.False(a.Blocking);
            int flags = OpenFlags(a);
            Assert.Equal(O_NONBLOCK | O_CLOEXEC, flags & (O_NONBLOCK | O_CLOEXEC));
        });

        // The accepted sockets are connected.
        Assert.True(clients[2].TrySend([7], out int _));
        Assert.True(accepted[2].Poll(30_000_000, SelectMode.SelectRead));
        byte[] buffer = new byte[2];
        Assert.True(accepted[2].TryReceive(buffer, out int count));
        Assert.Equal((1, 7), (count, buffer[0]));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void No_exception_is_thrown_when_there_is_no_connection_to_accept(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        int thread = Environment.CurrentManagedThreadId, exceptions = 0;
        EventHandler<FirstChanceExceptionEventArgs> count =
            (_, _) => exceptions += Environment.CurrentManagedThreadId == thread ? 1 : 0;
        AppDomain.CurrentDomain.FirstChanceException += count;

        try
        {
            Assert.False(listener.TryAccept(out Socket? none));
            Assert.Null(none);
            Assert.False(listener.Blocking);
            Connect(listener.LocalEndPoint!);
            AcceptAll(loop, listener, 1); // calls TryAccept until it returns false
        }
        finally
        {
            AppDomain.CurrentDomain.FirstChanceException -= count;
        }

        Assert.Equal(0, exceptions);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_connection_that_was_reset_in_the_backlog_does_not_hide_the_next_one(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();

        using (Socket gone = Connect(listener.LocalEndPoint!))
        {
            gone.LingerState = new LingerOption(true, 0); // Dispose resets the connection
        }

        Socket client = Connect(listener.LocalEndPoint!);
        List<Socket> accepted = [];
        loop.Io(listener, Events.Read, [Fatal] (w, _) =>
        {
            while (listener.TryAccept(out Socket? socket))
            {
                accepted.Add(Own(socket));
            }

            // Linux accepts the reset connection too, and its first receive throws.
            if (accepted.Any(a => PeerOf(a) == client.LocalEndPoint!.ToString()))
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        Assert.InRange(accepted.Count, 1, 2);

        foreach (Socket reset in accepted.Where(a => PeerOf(a) != client.LocalEndPoint!.ToString()))
        {
            Assert.Throws<SocketException>(() => reset.TryReceive(new byte[1], out int _));
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Without_free_file_descriptors_TryAccept_throws_and_the_connection_stays_in_the_backlog(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Socket listener = NewListener();
        Socket client = Connect(listener.LocalEndPoint!);
        Exception? refused = null;
        loop.Io(listener, Events.Read, [Fatal] (w, _) =>
        {
            Posix.WithFdsLeft(0, () => refused = Record.Exception(() => listener.TryAccept(out Socket? _)));
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(SocketError.TooManyOpenSockets, Assert.IsType<SocketException>(refused).SocketErrorCode);
        Assert.Equal(client.LocalEndPoint, Assert.Single(AcceptAll(loop, listener, 1)).RemoteEndPoint);
    }

    // Accepts in the callback of an Io until `count` connections are accepted.
    private List<Socket> AcceptAll(Loop loop, Socket listener, int count)
    {
        List<Socket> accepted = [];
        loop.Io(listener, Events.Read, [Fatal] (w, _) =>
        {
            while (listener.TryAccept(out Socket? socket))
            {
                accepted.Add(Own(socket));
            }

            if (accepted.Count == count)
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        return accepted;
    }

    // Returns null if the peer has reset the connection.
    private static string? PeerOf(Socket socket)
    {
        try
        {
            return socket.RemoteEndPoint?.ToString();
        }
        catch (SocketException)
        {
            return null;
        }
    }

    private static int OpenFlags(Socket socket)
    {
        string line = File.ReadLines($"/proc/self/fdinfo/{socket.Handle}").First(l => l.StartsWith("flags:", StringComparison.Ordinal));
        return Convert.ToInt32(line["flags:".Length..].Trim(), 8);
    }
}
