using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using Mood.Event;

namespace Echo;

/// <summary>Accepts connections and keeps them until they end. Everything happens on the loop's thread.</summary>
internal sealed class Server : IServer
{
    private const int MaxAcceptsPerEvent = 64;
    private const double BackOff = 0.2;

    // The console is opened here, because this takes a file descriptor, and the log is needed when none is left.
    private readonly Action<string> _log = Console.Error.WriteLine;

    private readonly Loop _loop;
    private readonly double _idle;
    private readonly Socket _listener;
    private readonly Io _acceptable;
    private readonly Timer _backOff;
    private readonly DescriptorReserve _reserve = new();
    private readonly HashSet<Connection> _connections = [];
    private long _accepted;

    /// <param name="loop">The loop that serves.</param>
    /// <param name="options">The command line.</param>
    /// <param name="isShared">Whether other listeners use the same port.</param>
    public Server(Loop loop, Options options, bool isShared = false)
    {
        _loop = loop;
        _idle = options.Idle;
        _listener = Listener.Open(options, isShared);

        // a higher priority than the connections, so that new clients are accepted even if all connections are busy
        _acceptable = loop.Io(_listener, Events.Read, (_, _) => Accept(), priority: 1);

        // Reset starts the timer with Repeat. Start would use the rest of the last time, which is zero.
        _backOff = loop.Timer(0, BackOff, (timer, _) =>
        {
            if (_reserve.TryFill())
            {
                timer.Stop();
                _acceptable.Start();
            }
        });
        _reserve.TryFill();
        _acceptable.Start();
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndPoint!;

    public long BytesIn { get; set; }

    public long BytesOut { get; set; }

    public Totals Total => new(_connections.Count, _accepted, BytesIn, BytesOut);

    public IReadOnlyList<Totals> Totals => [Total];

    /// <summary>Stops accepting and closes every connection. Then no watcher is left, and the loop may end.</summary>
    public void Dispose()
    {
        _backOff.Dispose();
        _reserve.Dispose();
        _acceptable.Dispose(); // a watcher must be disposed before its socket
        _listener.Dispose();

        foreach (Connection connection in _connections)
        {
            connection.Dispose();
        }

        _connections.Clear();
    }

    public void Remove(Connection connection)
    {
        connection.Dispose();
        _connections.Remove(connection);
    }

    private void Accept()
    {
        // Accept has no overload that reports "would block" without an exception, so Poll asks first
        for (int i = 0; i < MaxAcceptsPerEvent && _listener.Poll(0, SelectMode.SelectRead); i++)
        {
            Socket socket;

            try
            {
                socket = _listener.Accept();
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                // The connection stays in the queue, and the listener stays readable. Without a pause the loop would spin.
                _log($"echo: {e.Message}; no more connections for the time being");
                _reserve.Dispose();
                _acceptable.Stop();
                _backOff.Reset();
                return;
            }
            catch (SocketException)
            {
                continue; // the client has reset the connection between Poll and Accept
            }

            socket.Blocking = false;
            socket.NoDelay = true;
            _accepted++;
            _connections.Add(new Connection(_loop, this, socket, _idle));
        }
    }
}
