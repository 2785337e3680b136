using System;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Connecting.</content>
public sealed partial class LoopStream
{
    /// <summary>Connects a new socket and creates a stream that owns it. Any thread.</summary>
    /// <remarks>Use it for example in <c>SocketsHttpHandler.ConnectCallback</c>. The socket is a TCP socket with
    /// <see cref="Socket.NoDelay"/> set, or a Unix domain socket. A host name is looked up on the thread pool, and its addresses
    /// are tried in turn.</remarks>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="endPoint">An address, or a host name with a port (<see cref="DnsEndPoint"/>).</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The connected stream.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="endPoint"/> is null.</exception>
    /// <exception cref="SocketException">The host does not exist, or the connection was refused or reset, or timed out.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public static ValueTask<LoopStream> ConnectAsync(Loop loop, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        Validate.NotNull(loop, nameof(loop));
        Validate.NotNull(endPoint, nameof(endPoint));
        return endPoint is DnsEndPoint name
            ? ConnectToNameAsync(loop, name, cancellationToken)
            : ConnectToAddressAsync(loop, endPoint, null, cancellationToken);
    }

    private static async ValueTask<LoopStream> ConnectToNameAsync(
        Loop loop, DnsEndPoint name, CancellationToken cancellationToken)
    {
        bool isOnLoop = LoopSynchronizationContext.IsCurrent(loop);
        IPAddress[] addresses;

        try
        {
            addresses = await Dns.GetHostAddressesAsync(name.Host, name.AddressFamily, cancellationToken).ConfigureAwait(false);

            if (addresses.Length == 0)
            {
                throw new SocketException((int)SocketError.HostNotFound);
            }
        }
        catch (SocketException e)
        {
            throw new SocketException((int)e.SocketErrorCode, Error.Socket_Connect(null, name, e));
        }

        // From here on the method is on the loop's thread, where Dispose of the loop ends its wait. If the loop is disposed already, the method
        // goes on here, and fails.
        if (isOnLoop)
        {
            await new LoopSwitch(loop);
        }

        for (int i = 0; ; i++)
        {
            try
            {
                return await ConnectToAddressAsync(loop, new IPEndPoint(addresses[i], name.Port), name, cancellationToken)
                    .ConfigureAwait(isOnLoop);
            }
            catch (SocketException) when (i + 1 < addresses.Length)
            {
                // try the next address
            }
        }
    }

    private static async ValueTask<LoopStream> ConnectToAddressAsync(
        Loop loop, EndPoint endPoint, DnsEndPoint? name, CancellationToken cancellationToken)
    {
        bool isTcp = endPoint.AddressFamily != AddressFamily.Unix;
#pragma warning disable CA2000 // the stream disposes it
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, isTcp ? ProtocolType.Tcp : ProtocolType.Unspecified);
#pragma warning restore CA2000

        try
        {
            if (isTcp)
            {
                socket.NoDelay = true;
            }

            await BeginConnect(loop, socket, endPoint, cancellationToken).ConfigureAwait(false);
            return new LoopStream(loop, socket, ownsSocket: true);
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new SocketException((int)e.SocketErrorCode, Error.Socket_Connect(endPoint, name, e));
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static ValueTask BeginConnect(Loop loop, Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        if (loop.TryClaim(out Loop.Claim claim))
        {
            using (claim)
            {
                return socket.ConnectAsync(loop, endPoint, cancellationToken);
            }
        }

        return new ValueTask(loop.InvokeAsync(() => socket.ConnectAsync(loop, endPoint, cancellationToken).AsTask()));
    }
}
