using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>The members of every Stream, and the blocking calls.</content>
public sealed partial class LoopStream
{
    private int _readTimeout = Timeout.Infinite, _writeTimeout = Timeout.Infinite;

    /// <inheritdoc/>
    public override bool CanRead => !IsDisposed && Allows(FileAccess.Read);

    /// <inheritdoc/>
    public override bool CanWrite => !IsDisposed && Allows(FileAccess.Write);

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <summary>Gets or sets the milliseconds after which a blocking <see cref="Read(Span{byte})"/> throws an <see cref="IOException"/>.
    /// The default is <see cref="Timeout.Infinite"/>. For ReadAsync use a CancellationToken.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to 0, or to a negative number other than Timeout.Infinite.</exception>
    public override int ReadTimeout
    {
        get => _readTimeout;
        set => _readTimeout = Validate.Timeout(value, nameof(value));
    }

    /// <summary>Gets or sets the milliseconds after which a blocking <see cref="Write(ReadOnlySpan{byte})"/> throws an <see cref="IOException"/>.
    /// The default is <see cref="Timeout.Infinite"/>. For WriteAsync use a CancellationToken.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to 0, or to a negative number other than Timeout.Infinite.</exception>
    public override int WriteTimeout
    {
        get => _writeTimeout;
        set => _writeTimeout = Validate.Timeout(value, nameof(value));
    }

    /// <inheritdoc/>
    public override long Length => throw new NotSupportedException();

    /// <inheritdoc/>
    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    /// <inheritdoc/>
    public override int Read(Span<byte> buffer)
    {
        BeginRead();

        try
        {
            int count;
            Exception? exception;

            if (_handle is not null)
            {
                return BlockingRead(buffer);
            }

            while (!SocketCall.TryReceive(Socket, buffer, out count, out exception))
            {
                Poll(SelectMode.SelectRead, _readTimeout);
            }

            exception = ResultOf(exception, isEnd: count == 0 && !buffer.IsEmpty);
            return exception is null ? count : throw exception;
        }
        finally
        {
            OnEnded(Events.Read, isSpoilt: false);
        }
    }

    /// <inheritdoc/>
    public override void Write(ReadOnlySpan<byte> buffer)
    {
        BeginWrite();
        int sent = 0;

        try
        {
            Exception? exception;

            if (_handle is not null)
            {
                BlockingWrite(buffer);
                return;
            }

            while (!SocketCall.TrySend(Socket, buffer, ref sent, out exception))
            {
                Poll(SelectMode.SelectWrite, _writeTimeout);
            }

            if (exception is not null)
            {
                throw ResultOf(exception, isEnd: false)!;
            }
        }
        finally
        {
            OnEnded(Events.Write, isSpoilt: false);
        }
    }

    /// <inheritdoc/>
    public override int Read(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        return Read(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override void Write(byte[] buffer, int offset, int count)
    {
        ValidateBufferArguments(buffer, offset, count);
        Write(buffer.AsSpan(offset, count));
    }

    /// <inheritdoc/>
    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken)
    {
        ValidateBufferArguments(buffer, offset, count);
        return WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();
    }

    /// <inheritdoc/>
    public override IAsyncResult BeginRead(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(ReadAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override int EndRead(IAsyncResult asyncResult) => TaskToAsyncResult.End<int>(asyncResult);

    /// <inheritdoc/>
    public override IAsyncResult BeginWrite(byte[] buffer, int offset, int count, AsyncCallback? callback, object? state) =>
        TaskToAsyncResult.Begin(WriteAsync(buffer, offset, count, CancellationToken.None), callback, state);

    /// <inheritdoc/>
    public override void EndWrite(IAsyncResult asyncResult) => TaskToAsyncResult.End(asyncResult);

    /// <summary>Does nothing: written bytes are sent at once.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc cref="Flush"/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    /// <summary>Converts milliseconds to the microseconds for one Poll, whose argument is limited to 35 minutes.</summary>
    internal static int PollTime(long milliseconds) => (int)Math.Min(milliseconds * 1000, int.MaxValue);

    private void Poll(SelectMode mode, int timeout)
    {
        long end = Environment.TickCount64 + timeout;

        try
        {
            for (long left = timeout; !Socket.Poll(timeout == Timeout.Infinite ? -1 : PollTime(left), mode);)
            {
                left = end - Environment.TickCount64;

                if (left <= 0)
                {
                    throw Error.IO_Connection(new SocketException((int)SocketError.TimedOut));
                }
            }
        }
        catch (SocketException e)
        {
            throw Wrap(e);
        }
    }
}
