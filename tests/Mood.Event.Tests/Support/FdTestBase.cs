using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A base class that makes pipes and sockets. After the test it disposes the loops, and then closes the pipes and sockets.</summary>
public abstract class FdTestBase : LoopTestBase
{
    private readonly HashSet<int> _fds = [];
    private readonly List<IDisposable> _disposables = [];

    /// <summary>An end point to listen on: the system chooses the port.</summary>
    protected static IPEndPoint AnyPort => new(IPAddress.Loopback, 0);

    /// <summary>Makes a non-blocking pipe. Its ends that are still open are closed after the test.</summary>
    protected (int Read, int Write) NewPipe()
    {
        (int read, int write) = Posix.Pipe();
        _fds.Add(read);
        _fds.Add(write);
        return (read, write);
    }

    /// <summary>A pipe with one byte in it.</summary>
    protected (int Read, int Write) NewReadablePipe()
    {
        (int read, int write) = NewPipe();
        Posix.Write(write);
        return (read, write);
    }

    /// <summary>Closes an end of a pipe now.</summary>
    protected void CloseFd(int fd)
    {
        Disown(fd);
        Posix.Close(fd);
    }

    /// <summary>Removes an fd from those that are closed after the test. The test closes it, or gives it to an owner that does.</summary>
    protected void Disown(int fd) => _fds.Remove(fd);

    /// <summary>Makes a TCP connection and returns both ends.</summary>
    /// <param name="bufferSize">The kernel's buffers, in bytes. Without it the kernel lets them grow: with the default settings of Linux, a send
    /// of 4 MiB may complete although the peer reads nothing.</param>
    protected (Socket Client, Socket Server) NewConnection(int? bufferSize = null)
    {
        using Socket listener = NewListener();
        Socket client = Connect(listener.LocalEndPoint!);
        Socket server = Own(listener.Accept());

        if (bufferSize is int size)
        {
            client.SendBufferSize = client.ReceiveBufferSize = server.SendBufferSize = server.ReceiveBufferSize = size;
        }

        return (client, server);
    }

    /// <summary>Makes a socket and connects it to a TCP or Unix address.</summary>
    protected Socket Connect(EndPoint server)
    {
        bool isUnix = server.AddressFamily == AddressFamily.Unix;
        Socket socket = Own(new Socket(server.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp));

        try
        {
            socket.Connect(server);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes a socket and connects it to a server.</summary>
    protected Socket Connect(LoopServer server) => Connect(server.EndPoint);

    protected Socket NewListener()
    {
        Socket listener = Own(new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(AnyPort);
        listener.Listen(10);
        return listener;
    }

    /// <summary>Disposes the object after the test.</summary>
    protected T Own<T>(T disposable)
        where T : IDisposable
    {
        _disposables.Add(disposable);
        return disposable;
    }

    /// <summary>Runs the loop for a time, so that it reports all events that have happened.</summary>
    protected static void RunFor(Loop loop, double seconds)
    {
        using Timer timer = loop.Timer(seconds, 0, (_, _) => loop.Stop(), priority: Ev.MinPriority);
        loop.Now(update: true);
        timer.Start();
        loop.Start();
    }

    /// <summary>Asserts that the loop still reports the events of an Io.</summary>
    protected void CheckUsable(Loop loop)
    {
        int calls = 0;
        Io io = loop.Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        io.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    protected override void Dispose(bool disposing)
    {
        try
        {
            base.Dispose(disposing);
        }
        finally
        {
            _disposables.ForEach(d => d.Dispose());

            foreach (int fd in _fds)
            {
                Posix.Close(fd);
            }
        }
    }
}
