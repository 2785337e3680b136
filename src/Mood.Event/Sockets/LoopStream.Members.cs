#if NET8_0_OR_GREATER
using System;
using System.IO;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>What every Stream has, and the calls that wait where they are.</content>
public sealed partial class LoopStream
{
    private int _readTimeout = Timeout.Infinite, _writeTimeout = Timeout.Infinite;

    /// <inheritdoc/>
    public override bool CanRead => !IsDisposed;

    /// <inheritdoc/>
    public override bool CanWrite => !IsDisposed;

    /// <inheritdoc/>
    public override bool CanSeek => false;

    /// <inheritdoc/>
    public override bool CanTimeout => true;

    /// <summary>Milliseconds after which a <see cref="Read(Span{byte})"/> that waits fails with an IOException. ReadAsync has
    /// a CancellationToken for that.</summary>
    public override int ReadTimeout
    {
        get => _readTimeout;
        set => _readTimeout = Validate.Timeout(value, nameof(value));
    }

    /// <summary>Milliseconds after which a <see cref="Write(ReadOnlySpan{byte})"/> that waits fails with an IOException.
    /// WriteAsync has a CancellationToken for that.</summary>
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

            while (!SocketCall.TryReceive(Socket, buffer, out count, out exception))
            {
                Poll(SelectMode.SelectRead, _readTimeout);
            }

            return exception is null ? count : throw Wrap(exception);
        }
        finally
        {
            OnReadEnded(isSpoilt: false);
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

            while (!SocketCall.TrySend(Socket, buffer, ref sent, out exception))
            {
                Poll(SelectMode.SelectWrite, _writeTimeout);
            }

            if (exception is not null)
            {
                throw Wrap(exception);
            }
        }
        finally
        {
            OnWriteEnded(isSpoilt: false);
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

    /// <summary>Does nothing: whatever was written has been sent.</summary>
    public override void Flush()
    {
    }

    /// <inheritdoc cref="Flush"/>
    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    /// <inheritdoc/>
    public override void SetLength(long value) => throw new NotSupportedException();

    private void Poll(SelectMode mode, int timeout)
    {
        try
        {
            int microseconds = timeout == Timeout.Infinite ? -1 : (int)Math.Min(timeout * 1000L, int.MaxValue);

            if (!Socket.Poll(microseconds, mode))
            {
                throw Error.IO_Connection(new SocketException((int)SocketError.TimedOut));
            }
        }
        catch (SocketException e)
        {
            throw Wrap(e);
        }
    }
}
#endif
