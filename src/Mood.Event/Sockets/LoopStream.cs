using System;
using System.IO;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A <see cref="Stream"/> over a connected socket, a pipe or a terminal, which waits with a loop. It works with SslStream,
/// HttpClient and other code that takes a stream.
/// </summary>
/// <remarks>
/// <para>Unlike most members of the library, it may be used on any thread, with one read and one write at a time. An operation
/// that can complete at once runs on the calling thread. Otherwise the loop waits for readiness. The continuation of a call on
/// the loop's thread runs on the loop's thread. The continuation of a call on another thread runs in that caller's context or on
/// the thread pool.</para>
/// <para>Read and Write are synchronous and block the calling thread, even if it is the loop's thread.</para>
/// <para>Waits end only while the loop runs. Dispose of the stream or of the loop ends them with an
/// <see cref="ObjectDisposedException"/>.</para>
/// </remarks>
public sealed partial class LoopStream : Stream
{
    private readonly bool _ownsSocket;

    // One of the two is null.
#pragma warning disable CA2213 // CloseSource disposes it, by the property Socket
    private readonly Socket? _socket;
#pragma warning restore CA2213
    private readonly HandleTransfer? _handle;

    // Created when the first read (or write) has to wait. Only the thread that has set _isReading (or _isWriting) uses them.
    private IoWait<ReadOperation, int>? _receive;
    private IoWait<WriteOperation, int>? _send;

    // 1 while a read (or a write) is under way. Set by the thread that begins it, cleared by the thread that fetches its result.
    // Dispose sets both and leaves them set, so that no new read or write begins.
    private int _isReading, _isWriting;

    // 1 since the first Dispose; any thread.
    private int _isDisposed;

    /// <summary>Creates a stream over a socket, which becomes non-blocking.</summary>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="socket">A connected stream socket.</param>
    /// <param name="ownsSocket">Whether Dispose disposes the socket.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="socket"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="socket"/> is not a stream socket, or not connected.</exception>
    /// <exception cref="ObjectDisposedException">The socket is disposed.</exception>
    public LoopStream(Loop loop, Socket socket, bool ownsSocket = false)
    {
        Loop = Validate.NotNull(loop, nameof(loop));
        _socket = Validate.NotNull(socket, nameof(socket));

        ObjectDisposedException.ThrowIf(socket.SafeHandle.IsClosed, socket);

        if (socket.SocketType != SocketType.Stream)
        {
            throw Error.Argument_StreamSocket(socket.SocketType, nameof(socket));
        }

        if (!socket.Connected)
        {
            throw Error.Argument_NotConnected(nameof(socket));
        }

        socket.Blocking = false;
        _ownsSocket = ownsSocket;
    }

    /// <summary>Creates a stream over a pipe, a FIFO, a terminal or another handle whose readiness the kernel reports.</summary>
    /// <remarks>
    /// <para>The stream does not change the flags of the handle's open file (O_NONBLOCK), which other handles and processes
    /// share. So two streams may use one terminal, and a shell finds its terminal unchanged.</para>
    /// <para>A write to an eventfd throws an <see cref="System.IO.IOException"/> if the value does not fit into its counter now.</para>
    /// <para>A socket with a handle that is not a <see cref="System.Net.Sockets.Socket"/> works too, on Linux and macOS.</para>
    /// </remarks>
    /// <param name="loop">The loop that waits.</param>
    /// <param name="handle">An open handle, for example <c>new SafeFileHandle(0, ownsHandle: false)</c> for standard input.</param>
    /// <param name="access">The directions of the stream. The handle must be open for them.</param>
    /// <param name="ownsHandle">Whether Dispose disposes the handle.</param>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="handle"/> is null.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="access"/> is not a value of
    /// <see cref="FileAccess"/>.</exception>
    /// <exception cref="ArgumentException"><paramref name="handle"/> is closed, or not open for
    /// <paramref name="access"/>. Or it is a regular file, a directory or a block device, for which the kernel reports no
    /// readiness. Or it is an eventfd without EFD_NONBLOCK, and <paramref name="access"/> includes Write.</exception>
    public LoopStream(Loop loop, SafeHandle handle, FileAccess access, bool ownsHandle = false)
    {
        Loop = Validate.NotNull(loop, nameof(loop));
        Validate.NotNull(handle, nameof(handle));

        if (access is < FileAccess.Read or > FileAccess.ReadWrite)
        {
            throw Error.ArgumentOutOfRange_Enum(access, nameof(access));
        }

        _handle = new HandleTransfer(this, handle, access, ownsHandle);
    }

    /// <summary>The loop that waits for the stream.</summary>
    public Loop Loop { get; }

    /// <summary>The socket under the stream.</summary>
    /// <exception cref="InvalidOperationException">The stream was made over a handle.</exception>
    public Socket Socket => _socket ?? throw Error.InvalidOperation_NoSocket();

    /// <summary>The number of reads and writes that have ended. It may overflow and wrap. Any thread. Two operations that end at
    /// the same time may count as one.</summary>
    internal int Uses { get; private set; }

    internal bool IsDisposed => Volatile.Read(ref _isDisposed) != 0;

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
            var operation = new ReadOperation(this, buffer);

            if (!MayTry(Events.Read) || !operation.TryFinish(Events.None, out int count, out Exception? exception))
            {
                IoWait<ReadOperation, int> wait = _receive ??= new IoWait<ReadOperation, int>(Loop, pool: null);
                return new ValueTask<int>(wait, wait.BeginAnywhere(operation, FindDescriptor(), cancellationToken));
            }

            OnEnded(Events.Read, isSpoilt: false);
            return exception is null ? new ValueTask<int>(count) : ValueTask.FromException<int>(exception);
        }
        catch
        {
            OnEnded(Events.Read, isSpoilt: true);
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

        try
        {
            var operation = new WriteOperation(this, buffer);

            if (!MayTry(Events.Write) || !operation.TryFinish(Events.None, out int _, out Exception? exception))
            {
                IoWait<WriteOperation, int> wait = _send ??= new IoWait<WriteOperation, int>(Loop, pool: null);
                return new ValueTask(wait, wait.BeginAnywhere(operation, FindDescriptor(), cancellationToken));
            }

            OnEnded(Events.Write, isSpoilt: false);
            return exception is null ? default : ValueTask.FromException(exception);
        }
        catch
        {
            OnEnded(Events.Write, isSpoilt: true);
            throw;
        }
    }

    /// <summary>Wraps a SocketException in an IOException, which callers of a Stream expect.</summary>
    internal static Exception Wrap(Exception exception) =>
        exception is SocketException ? Error.IO_Connection(exception) : exception;

    /// <summary>The exception for the caller of a read or a write, or null. During the operation, another thread may call Dispose, which
    /// shuts the socket down. The operation then sees the end or an error of the connection.</summary>
    /// <param name="exception">The exception of the socket, or null.</param>
    /// <param name="isEnd">Whether a read has found the end of the stream.</param>
    internal Exception? ResultOf(Exception? exception, bool isEnd)
    {
        if (exception is null && !isEnd)
        {
            return null;
        }

        return IsDisposed ? Error.ObjectDisposed(this) : exception is null ? null : Wrap(exception);
    }

    /// <summary>The exception of a disposed stream, or null.</summary>
    internal ObjectDisposedException? FindDisposed() => IsDisposed ? Error.ObjectDisposed(this) : null;

    /// <summary>A read or a write has ended. Any thread.</summary>
    /// <param name="direction">Read or Write.</param>
    /// <param name="isSpoilt">Whether its wait cannot be used again.</param>
    internal void OnEnded(Events direction, bool isSpoilt)
    {
        Uses++;

        if (direction == Events.Read)
        {
            _receive = isSpoilt ? null : _receive;
            Volatile.Write(ref _isReading, 0);
        }
        else
        {
            _send = isSpoilt ? null : _send;
            Volatile.Write(ref _isWriting, 0);
        }
    }

    private bool MayTry(Events events) =>
        !Loop.IsInside || (_socket is null ? Loop.Waits.MayTry() : Loop.Waits.MayTry(_socket, events));

    private FileDescriptor FindDescriptor() => _handle is null ? FileDescriptor.Of(Socket) : _handle.FindDescriptor();

    private void BeginRead()
    {
        CheckAccess(FileAccess.Read, "read");
        Enter(ref _isReading, "read");
    }

    private void BeginWrite()
    {
        CheckAccess(FileAccess.Write, "write");
        Enter(ref _isWriting, "write");
    }

    private void Enter(ref int isBusy, string what)
    {
        ObjectDisposedException.ThrowIf(IsDisposed, this);

        if (Interlocked.Exchange(ref isBusy, 1) != 0)
        {
            ObjectDisposedException.ThrowIf(IsDisposed, this); // Dispose leaves the flag set
            throw Error.InvalidOperation_StreamBusy(what);
        }

        if (IsDisposed)
        {
            Volatile.Write(ref isBusy, 0);
            Error.Throw_Disposed(this);
        }
    }
}
