using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Channels;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <summary>An end point of the server.</summary>
internal sealed class Listener : IConnectionListener
{
    private readonly Workers _workers;
    private readonly Acceptor[] _acceptors;

    // Unlimited: Kestrel takes a connection at once, and applies its limits later.
    private readonly Channel<Connection> _accepted = Channel.CreateUnbounded<Connection>();

    // under the lock: set once
    private readonly object _gate = new();
    private Task? _unbound, _disposed;

    private Listener(Workers workers, Worker[] all, List<Socket> sockets)
    {
        EndPoint = sockets[0].LocalEndPoint!;
        _workers = workers;
        _acceptors = sockets.Count == 1
            ? [new Acceptor(this, workers.Next(), sockets[0], workers)]
            : [.. sockets.Select((socket, i) => new Acceptor(this, all[i], socket, null))];
        workers.Failed += OnFailed;
    }

    public EndPoint EndPoint { get; }

    /// <summary>Whether the loops have connections, of any listener or client. Any thread.</summary>
    internal bool HasConnections => _workers.HasConnections;

    /// <summary>Listens on an end point, with one socket or with a socket for each loop.</summary>
    internal static async Task<Listener> OpenAsync(EndPoint endPoint, Workers workers, Worker[] all)
    {
        LoopTransportOptions options = workers.Options;
        int count = options.ReusePort && endPoint is IPEndPoint ? all.Length : 1;
        List<Socket> sockets = ListenSockets.Open(endPoint, options, count);
        var listener = new Listener(workers, all, sockets);

        try
        {
            await Task.WhenAll(listener._acceptors.Select(a => a.StartAsync())).ConfigureAwait(false);
            return listener;
        }
        catch
        {
            await listener.CloseAsync().ConfigureAwait(false); // some acceptors may have started
            throw;
        }
    }

    public async ValueTask<ConnectionContext?> AcceptAsync(CancellationToken cancellationToken = default)
    {
        while (await _accepted.Reader.WaitToReadAsync(cancellationToken).ConfigureAwait(false))
        {
            if (_accepted.Reader.TryRead(out Connection? connection))
            {
                return connection;
            }
        }

        return null;
    }

    /// <summary>Accepts what has connected so far, and nothing afterwards.</summary>
    /// <remarks>The token is ignored, as in Kestrel's own transports: a server that is disposed without a stop passes a cancelled
    /// one.</remarks>
    public ValueTask UnbindAsync(CancellationToken cancellationToken = default)
    {
        lock (_gate)
        {
            _unbound ??= UnbindCoreAsync();
        }

        return new ValueTask(_unbound);
    }

    public ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            _disposed ??= DisposeCoreAsync();
        }

        return new ValueTask(_disposed);
    }

    /// <summary>Gives a connection to Kestrel. Any thread.</summary>
    internal void Deliver(Connection connection)
    {
        if (!_accepted.Writer.TryWrite(connection))
        {
            connection.Abort(new ConnectionAbortedException("The server has stopped."));
        }
    }

    // Kestrel logs the exception as critical.
    private void OnFailed(Exception exception) => _accepted.Writer.TryComplete(exception);

    private async Task UnbindCoreAsync()
    {
        await Task.WhenAll(_acceptors.Select(a => a.StopAsync())).ConfigureAwait(false);
        _accepted.Writer.TryComplete();
    }

    private async Task DisposeCoreAsync()
    {
        await CloseAsync().ConfigureAwait(false);
        await _workers.ReleaseAsync().ConfigureAwait(false);
    }

    private async Task CloseAsync()
    {
        await UnbindAsync().ConfigureAwait(false);
        _workers.Failed -= OnFailed;

        while (_accepted.Reader.TryRead(out Connection? connection))
        {
            connection.Abort(new ConnectionAbortedException("The server has stopped."));
        }
    }
}
