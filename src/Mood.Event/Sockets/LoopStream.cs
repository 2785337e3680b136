#if NET8_0_OR_GREATER
using System;
using System.IO;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A connected socket as a <see cref="Stream"/> that waits with a loop: for SslStream, HttpClient and whatever else takes a
/// stream.
/// <para>
/// Unlike other members of the library it may be used on any thread, one read and one write at a time: what can be done at
/// once is done where it is called, and the rest waits with the loop. What follows the await of a call on the loop's thread
/// runs there; of one on another thread, elsewhere. Read and Write that are not asynchronous wait on the thread that
/// calls them, which is the loop as well where it is the loop's.
/// </para>
/// <para>Waits end only while the loop runs. Dispose ends them; the loop's Dispose does too.</para>
/// </summary>
public sealed partial class LoopStream : Stream
{
    private readonly bool _ownsSocket;

    // each only between the beginning and the end of a read, or a write
    private ReceiveWait? _receive;
    private SendWait? _send;

    private int _isReading, _isWriting, _isDisposed;

    /// <summary>Makes a stream. The socket becomes non-blocking.</summary>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="socket">A connected stream socket.</param>
    /// <param name="ownsSocket">Whether Dispose disposes the socket.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="socket"/> is null.</exception>
    /// <exception cref="ArgumentException">It is not a stream socket, or not connected.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    public LoopStream(Loop loop, Socket socket, bool ownsSocket = false)
    {
        Loop = Validate.NotNull(loop, nameof(loop));
        Socket = Validate.NotNull(socket, nameof(socket));

        ObjectDisposedException.ThrowIf(socket.SafeHandle.IsClosed, socket);

        if (socket.SocketType != SocketType.Stream || !socket.Connected)
        {
            throw Error.Argument_StreamSocket(nameof(socket));
        }

        socket.Blocking = false;
        _ownsSocket = ownsSocket;
    }

    /// <summary>The loop it waits with.</summary>
    public Loop Loop { get; }

    /// <summary>The socket.</summary>
    public Socket Socket { get; }

    internal bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

    /// <summary>
    /// Connects a new TCP socket (or a Unix domain socket) without delays of Nagle's algorithm, and makes a stream of it that
    /// owns it. Any thread. It is what SocketsHttpHandler.ConnectCallback asks for. A name is looked up by the thread pool,
    /// and its addresses are tried in turn.
    /// </summary>
    /// <param name="loop">The loop to wait with.</param>
    /// <param name="endPoint">An address, or a host name and a port (<see cref="DnsEndPoint"/>).</param>
    /// <param name="cancellationToken">Ends it with an <see cref="OperationCanceledException"/>.</param>
    /// <returns>The stream.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="endPoint"/> is null.</exception>
    /// <exception cref="SocketException">There is no such host, or nobody answered.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public static ValueTask<LoopStream> ConnectAsync(Loop loop, EndPoint endPoint, CancellationToken cancellationToken = default)
    {
        Validate.NotNull(loop, nameof(loop));
        Validate.NotNull(endPoint, nameof(endPoint));
        return endPoint is DnsEndPoint name
            ? ConnectToNameAsync(loop, name, cancellationToken)
            : ConnectToAddressAsync(loop, endPoint, cancellationToken);
    }

    /// <inheritdoc/>
    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<int>(cancellationToken);
        }

        BeginRead();

        try
        {
            int count = 0;
            Exception? exception = null;

            if (!MayTry() || !SocketCall.TryReceive(Socket, buffer.Span, out count, out exception))
            {
                _receive ??= new ReceiveWait(Loop, this);
                return _receive.BeginAnywhere(Socket, buffer, cancellationToken);
            }

            OnReadEnded(isSpoilt: false);
            return exception is null ? new ValueTask<int>(count) : ValueTask.FromException<int>(Wrap(exception));
        }
        catch
        {
            OnReadEnded(isSpoilt: true);
            throw;
        }
    }

    /// <inheritdoc/>
    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        BeginWrite();
        int sent = 0;

        try
        {
            Exception? exception = null;

            if (!MayTry() || !SocketCall.TrySend(Socket, buffer.Span, ref sent, out exception))
            {
                _send ??= new SendWait(Loop, this);
                return _send.BeginAnywhere(Socket, buffer, sent, cancellationToken);
            }

            OnWriteEnded(isSpoilt: false);
            return exception is null ? default : ValueTask.FromException(Wrap(exception));
        }
        catch
        {
            OnWriteEnded(isSpoilt: true);
            throw;
        }
    }

    /// <summary>As NetworkStream has it: callers look for IOException.</summary>
    internal static Exception Wrap(Exception exception) =>
        exception is SocketException ? Error.IO_Connection(exception) : exception;

    /// <summary>A read is over, on any thread.</summary>
    /// <param name="isSpoilt">Whether what it waited with cannot be used for the next.</param>
    internal void OnReadEnded(bool isSpoilt)
    {
        if (isSpoilt)
        {
            _receive = null;
        }

        Volatile.Write(ref _isReading, 0);
    }

    /// <summary>A write is over, on any thread.</summary>
    /// <param name="isSpoilt">Whether what it waited with cannot be used for the next.</param>
    internal void OnWriteEnded(bool isSpoilt)
    {
        if (isSpoilt)
        {
            _send = null;
        }

        Volatile.Write(ref _isWriting, 0);
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        if (disposing && Interlocked.Exchange(ref _isDisposed, 1) == 0)
        {
            EndWaits();
        }

        base.Dispose(disposing);
    }

    private static async ValueTask<LoopStream> ConnectToNameAsync(
        Loop loop, DnsEndPoint name, CancellationToken cancellationToken)
    {
        IPAddress[] addresses =
            await Dns.GetHostAddressesAsync(name.Host, name.AddressFamily, cancellationToken).ConfigureAwait(false);

        if (addresses.Length == 0)
        {
            throw new SocketException((int)SocketError.HostNotFound);
        }

        for (int i = 0; ; i++)
        {
            try
            {
                return await ConnectToAddressAsync(loop, new IPEndPoint(addresses[i], name.Port), cancellationToken)
                    .ConfigureAwait(false);
            }
            catch (SocketException) when (i + 1 < addresses.Length)
            {
                // the next one, then
            }
        }
    }

    private static async ValueTask<LoopStream> ConnectToAddressAsync(
        Loop loop, EndPoint endPoint, CancellationToken cancellationToken)
    {
        bool isTcp = endPoint.AddressFamily != AddressFamily.Unix;
#pragma warning disable CA2000 // the stream owns it
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
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static ValueTask BeginConnect(Loop loop, Socket socket, EndPoint endPoint, CancellationToken cancellationToken)
    {
        if (loop.TryVisit(out Loop.Claim claim))
        {
            using (claim)
            {
                return socket.ConnectAsync(loop, endPoint, cancellationToken);
            }
        }

        return new ValueTask(loop.InvokeAsync(() => socket.ConnectAsync(loop, endPoint, cancellationToken).AsTask()));
    }

    private bool MayTry() => !Loop.IsHere || Loop.Waits.MayTry();

    private void BeginRead() => Enter(ref _isReading, "read");

    private void BeginWrite() => Enter(ref _isWriting, "write");

    private void Enter(ref int isBusy, string what)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);

        if (Interlocked.Exchange(ref isBusy, 1) != 0)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this); // which leaves it busy
            throw Error.InvalidOperation_StreamBusy(what);
        }

        if (IsDisposed)
        {
            Volatile.Write(ref isBusy, 0);
            Error.Throw_Disposed(this);
        }
    }

    private void EndWaits()
    {
        // nobody is inside, and nobody will come in any more
        if (Interlocked.Exchange(ref _isReading, 1) + Interlocked.Exchange(ref _isWriting, 1) == 0)
        {
            CloseCore();
        }
        else if (Loop.TryEnter(out Loop.Claim claim))
        {
            using (claim)
            {
                CloseCore();
            }
        }
        else
        {
            if (_ownsSocket)
            {
                ShutDown(); // the peer need not wait until the loop comes by
            }

            if (!Loop.TryPost(CloseCore))
            {
                CloseSocket(); // the waits are ended by the loop's Dispose, which may be under way
            }
        }
    }

    // the watchers before their socket
    private void CloseCore()
    {
        _receive?.Fail(Error.ObjectDisposed(this));
        _send?.Fail(Error.ObjectDisposed(this));
        CloseSocket();
    }

    private void CloseSocket()
    {
        if (_ownsSocket)
        {
            Socket.Dispose();
        }
    }

    private void ShutDown()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the connection is gone already
        }
    }
}
#endif
