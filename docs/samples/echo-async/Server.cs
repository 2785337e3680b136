using System;
using System.Collections.Generic;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>Accepts connections and keeps them until they end. Everything happens on the loop's thread.</summary>
internal sealed class Server : IServer
{
    private const double BackOff = 0.2;

    // opened here: it takes a file descriptor, and is wanted when none is left
    private readonly Action<string> _log = Console.Error.WriteLine;

    private readonly Loop _loop;
    private readonly double _idle;
    private readonly Reserve _reserve = new();
    private readonly HashSet<Connection> _connections = [];
    private readonly CancellationTokenSource _stop = new();
    private long _accepted;

    /// <param name="loop">Where everything happens.</param>
    /// <param name="options">The command line.</param>
    /// <param name="isShared">Whether others listen on the same port.</param>
    public Server(Loop loop, Options options, bool isShared = false)
    {
        _loop = loop;
        _idle = options.Idle;
        Socket listener = Listener.Open(options, isShared);
        EndPoint = (IPEndPoint)listener.LocalEndPoint!;
        _reserve.TryFill();
        _ = AcceptAsync(listener); // until it is disposed: nothing else can leave it
    }

    public IPEndPoint EndPoint { get; }

    public long BytesIn { get; set; }

    public long BytesOut { get; set; }

    public Totals Total => new(_connections.Count, _accepted, BytesIn, BytesOut);

    public IReadOnlyList<Totals> Totals => [Total];

    /// <summary>Has everything that is awaited end: accepting, and every connection. They close what they use.</summary>
    public void Dispose()
    {
        _stop.Cancel();
        _reserve.Dispose();

        foreach (Connection connection in _connections)
        {
            connection.Dispose();
        }
    }

    private async Task AcceptAsync(Socket listener)
    {
        using Socket closing = listener;

        while (!_stop.IsCancellationRequested)
        {
            try
            {
                Socket socket = await listener.AcceptAsync(_loop, _stop.Token);
                socket.NoDelay = true;
                _accepted++;
                _ = ServeAsync(socket);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.TooManyOpenSockets or SocketError.NoBufferSpaceAvailable)
            {
                // The connection stays in the queue and the listener readable: without a pause the loop would spin.
                _log($"echo: {e.Message}; no more connections for the time being");
                await BackOffAsync();
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return; // this server, or its loop
            }
        }
    }

    private async Task BackOffAsync()
    {
        _reserve.Dispose();

        try
        {
            do
            {
                await _loop.Delay(BackOff, _stop.Token);
            }
            while (!_reserve.TryFill());
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // the loop around this sees it too
        }
    }

    private async Task ServeAsync(Socket socket)
    {
        using var connection = new Connection(_loop, this, socket, _idle);
        _connections.Add(connection);
        await connection.ServeAsync();
        _connections.Remove(connection);
    }
}
