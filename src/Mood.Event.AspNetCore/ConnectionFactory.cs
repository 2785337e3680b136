using System;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <summary>Connects to servers. The loops of this process's own listeners serve the connections.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The container creates it.")]
[SuppressMessage("Reliability", "CA2000", Justification = "The connection owns its socket, and the caller owns the connection.")]
internal sealed class ConnectionFactory(Workers workers) : IConnectionFactory, IAsyncDisposable
{
    private readonly object _gate = new();

    // Under the gate. The workers are acquired at the first use, so that a factory that is not used starts no loop.
    private bool _isAcquired, _isDisposed;

    public async ValueTask<ConnectionContext> ConnectAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(endpoint);
        Acquire();
        Worker worker = workers.Next();
        return endpoint is DnsEndPoint name
            ? await ConnectAsync(worker, name, cancellationToken).ConfigureAwait(false)
            : await ConnectToAddressAsync(worker, endpoint, cancellationToken).ConfigureAwait(false);
    }

    public async ValueTask DisposeAsync()
    {
        lock (_gate)
        {
            if (_isDisposed || !_isAcquired)
            {
                _isDisposed = true;
                return;
            }

            _isDisposed = true;
        }

        await workers.ReleaseAsync().ConfigureAwait(false);
    }

    private static async Task<Connection> ConnectAsync(Worker worker, DnsEndPoint name, CancellationToken cancellationToken)
    {
        IPAddress[] addresses = await Dns.GetHostAddressesAsync(name.Host, name.AddressFamily, cancellationToken).ConfigureAwait(false);

        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound); // the name is an address of another family
        }

        for (int i = 0; ; i++)
        {
            try
            {
                return await ConnectToAddressAsync(worker, new IPEndPoint(addresses[i], name.Port), cancellationToken).ConfigureAwait(false);
            }
            catch (SocketException) when (i < addresses.Length - 1)
            {
                // the next address may work
            }
        }
    }

    private static async Task<Connection> ConnectToAddressAsync(Worker worker, EndPoint endPoint, CancellationToken cancellationToken)
    {
        bool isUnix = endPoint.AddressFamily == AddressFamily.Unix;
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isUnix ? ProtocolType.Unspecified : ProtocolType.Tcp);

        try
        {
            await worker.Loop.InvokeAsync(() => socket.ConnectAsync(worker.Loop, endPoint, cancellationToken).AsTask()).ConfigureAwait(false);

            if (!isUnix)
            {
                socket.NoDelay = worker.Options.NoDelay;
            }

            var connection = new Connection(worker, socket); // throws if the server has reset the connection already
            connection.Begin();
            return connection;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private void Acquire()
    {
        lock (_gate)
        {
            ObjectDisposedException.ThrowIf(_isDisposed, typeof(IConnectionFactory));

            if (!_isAcquired)
            {
                workers.Acquire();
                _isAcquired = true;
            }
        }
    }
}
