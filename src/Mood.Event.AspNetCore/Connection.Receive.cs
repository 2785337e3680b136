using System;
using System.IO.Pipelines;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <content>Receiving. All members run on the loop's thread.</content>
internal sealed partial class Connection
{
    // A call receives at most one block. After MaxBlocks the other connections have their turn.
    private const int MaxBlocks = 6, MinimumRoom = 2048;

    // The application runs once for this many bytes, and not for each block.
    private const int MaxUnflushed = 32 * 1024;

    // While receiving is paused: the awaiter of the flush, which ends when the application has read enough, and its continuation.
    private ValueTaskAwaiter<FlushResult> _pause;
    private Action? _resume;

    // The minimum size of the memory that the next receive call gets. It becomes _maxRoom when a call has filled its memory. It becomes
    // MinimumRoom again when the received bytes would fit into a small block. So a connection with messages of 8 KiB receives each with one
    // call, and a connection with short messages holds only a small block.
    private int _room = MinimumRoom;

    private void Receive()
    {
        for (int i = 1; i <= MaxBlocks; i++)
        {
            if (!ReceiveBlock(out bool isFull))
            {
                return;
            }

            // A short read has emptied the socket: another call would return nothing.
            bool isEnough = !isFull || i == MaxBlocks || _in.Writer.UnflushedBytes >= _maxUnflushed;

            if (isEnough && (!Flush() || !isFull))
            {
                return;
            }
        }
    }

    /// <summary>Receives at most one block.</summary>
    /// <returns>Whether there are bytes to flush. If the input has ended, there are none.</returns>
    private bool ReceiveBlock(out bool isFull)
    {
        Memory<byte> memory = _in.Writer.GetMemory(_room);
        isFull = false;

        try
        {
            if (!_socket.TryReceive(memory.Span, out int count))
            {
                return _in.Writer.UnflushedBytes > 0;
            }

            if (count > 0)
            {
                _in.Writer.Advance(count);
                _input.SetEnd(memory[..count]);
                isFull = count == memory.Length;
                _room = isFull ? _maxRoom : _in.Writer.UnflushedBytes <= BlockPool.SmallSize ? MinimumRoom : _room;
                return true;
            }

            Log.ReceivedFin(Logger, ConnectionId);
            EndInput(null);
        }
        catch (SocketException e)
        {
            EndInput(OnSocketError(e));
        }
        catch (ObjectDisposedException e)
        {
            EndInput(new ConnectionAbortedException("The application has disposed the socket.", e));
        }

        return false;
    }

    /// <summary>Gives the received bytes to the application.</summary>
    /// <returns>Whether to go on receiving.</returns>
    private bool Flush()
    {
        ValueTask<FlushResult> flush = _in.Writer.FlushAsync();

        if (!flush.IsCompleted)
        {
            Pause(flush);
            return false;
        }

        if (flush.Result.IsCompleted)
        {
            EndInput(null);
            return false;
        }

        return !_isClosed; // the application may have closed the connection
    }

    private void Pause(ValueTask<FlushResult> flush)
    {
        Log.Paused(Logger, ConnectionId);
        _isReading = false;
        Watch();
        _pause = flush.GetAwaiter();
        _pause.UnsafeOnCompleted(_resume ??= Resume); // the pipe's writer scheduler runs it on the loop's thread
    }

    private void Resume()
    {
        bool isCompleted = _pause.GetResult().IsCompleted;
        _pause = default;

        if (_isClosed)
        {
            return;
        }

        if (isCompleted)
        {
            EndInput(null);
            return;
        }

        Log.Resumed(Logger, ConnectionId);
        _isReading = true;
        Watch();
    }

    /// <summary>No further bytes come. The output may go on.</summary>
    private void EndInput(Exception? exception)
    {
        _isReading = false;
        Watch();
        _in.Writer.Complete(exception);
        FireClosed();
    }
}
