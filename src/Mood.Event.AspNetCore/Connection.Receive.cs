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
    // Each system call receives at most one block. After MaxBlocks blocks, the other connections have their turn.
    private const int MaxBlocks = 16, MinimumRoom = 2048;

    // While receiving is paused: the awaiter of the flush, which ends when the application has read enough, and its continuation.
    private ValueTaskAwaiter<FlushResult> _pause;
    private Action? _resume;

    private void Receive()
    {
        PipeWriter writer = _in.Writer;

        for (int i = 0; i < MaxBlocks; i++)
        {
            Memory<byte> memory = writer.GetMemory(MinimumRoom);
            int count;

            try
            {
                if (!_socket.TryReceive(memory.Span, out count))
                {
                    return;
                }
            }
            catch (SocketException e)
            {
                EndInput(OnSocketError(e));
                return;
            }
            catch (ObjectDisposedException e)
            {
                EndInput(new ConnectionAbortedException("The application has disposed the socket.", e));
                return;
            }

            if (count == 0)
            {
                Log.ReceivedFin(Logger, ConnectionId);
                EndInput(null);
                return;
            }

            writer.Advance(count);
            _input.SetEnd(memory[..count]);
            ValueTask<FlushResult> flush = writer.FlushAsync();

            if (!flush.IsCompleted)
            {
                Pause(flush);
                return;
            }

            if (flush.Result.IsCompleted)
            {
                EndInput(null);
                return;
            }

            // A short read has emptied the socket: another call would return nothing. The application may have closed the connection.
            if (count < memory.Length || _isClosed)
            {
                return;
            }
        }
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
