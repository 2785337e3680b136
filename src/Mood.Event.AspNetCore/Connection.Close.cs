using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <content>The end of a connection.</content>
internal sealed partial class Connection
{
    // Cancelled when the input has ended or the connection is closed.
    private readonly CancellationTokenSource _closing = new();

    // Completed after _closing is cancelled.
    private readonly TaskCompletionSource _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // 1 after the first FireClosed; any thread
    private int _isFired;

    /// <summary>Resets the connection. Any thread.</summary>
    /// <remarks>It never runs the application's code on the calling thread, which may hold a lock.</remarks>
    public override void Abort(ConnectionAbortedException abortReason) => _worker.Loop.TryPost(
        static call => call.Connection.Reset(call.Reason), (Connection: this, Reason: abortReason));

    /// <summary>Completes both directions, and waits until what was written is sent and the socket is closed.</summary>
    public override async ValueTask DisposeAsync()
    {
        await _input.CompleteAsync().ConfigureAwait(false);
        await _output.CompleteAsync().ConfigureAwait(false);
        await _sender.Sent.ConfigureAwait(false);
        await _closed.Task.ConfigureAwait(false);
        _closing.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    // Posted, because the application's code that a reset runs may throw, and here that would end the loop.
    public void OnFailed(Exception exception)
    {
        Log.Failed(Logger, ConnectionId, exception);
        _worker.Loop.TryPost(static call => call.Connection.Reset(call.Reason), (Connection: this, Reason: exception));
    }

    /// <summary>For the dump of a loop.</summary>
    public override string ToString() => ConnectionId;

    /// <summary>Closes the connection and discards what is not sent yet. Loop's thread.</summary>
    internal void Reset(Exception reason)
    {
        Close(reason);
        _sender.Cancel();
    }

    /// <summary>Closes the connection after the last byte is sent, or after sending has failed. Any thread.</summary>
    internal void CloseAfterOutput(Exception? failure)
    {
        // After the loop's end the connection is closed already.
        _worker.Loop.TryPost(static call => call.Connection.Close(call.Failure), (Connection: this, Failure: failure));
    }

    /// <summary>Logs an error of the socket, and returns the exception for the application.</summary>
    internal Exception OnSocketError(SocketException exception)
    {
        // EPIPE and ECONNRESET: the peer has closed or reset the connection
        if (exception.SocketErrorCode is SocketError.ConnectionReset or SocketError.Shutdown)
        {
            Log.Reset(Logger, ConnectionId);
            return new ConnectionResetException(exception.Message, exception);
        }

        Log.Error(Logger, ConnectionId, exception);
        return exception;
    }

    private void Close(Exception? reason)
    {
        if (_isClosed)
        {
            return;
        }

        _isClosed = true;
        _io?.Dispose(); // before the socket: the loop must not watch a closed file
        _worker.Remove(this);

        if (reason is null)
        {
            reason = new ConnectionAbortedException("The application has completed its output.");
            Log.SendingFin(Logger, ConnectionId, reason.Message);
            ShutDown();
            _socket.Dispose();
        }
        else
        {
            Log.SendingRst(Logger, ConnectionId, reason.Message);
            _socket.Close(timeout: 0);
        }

        if (_wantsWrite)
        {
            _wantsWrite = false;
            _sender.OnWritable(); // the sender tries again, which fails because the socket is closed
        }

        _in.Writer.Complete(reason);
        FireClosed();
    }

    private void ShutDown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Both);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // the peer has reset the connection, or the application has disposed the socket
        }
    }

    // On the thread pool, because the callbacks of the token are code of the application.
    private void FireClosed()
    {
        if (Interlocked.Exchange(ref _isFired, 1) == 0)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static connection => connection.SetClosed(), this, preferLocal: false);
        }
    }

    private void SetClosed()
    {
        try
        {
            _closing.Cancel();
        }
        catch (AggregateException e)
        {
            Log.Error(Logger, ConnectionId, e);
        }

        _closed.TrySetResult();
    }
}
