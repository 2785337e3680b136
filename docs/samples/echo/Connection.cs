using System;
using System.Buffers;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// One connection, with callbacks. It sends back the bytes that it has read before it reads more. So a client that does not read costs
/// one buffer: the buffers of the kernel fill up, and the client must wait.
/// <code>
///   open      reads when the buffer is empty, and writes when it is not
///     |  the client has shut down its side, or the server stops
///   draining  only writes
///     |  the buffer is empty: the server shuts down its side
///   closing   reads and counts what arrives too late, until the client has shut down its side
///     |
///   ended     an error and the end of the server's grace lead here too
/// </code>
/// </summary>
internal sealed class Connection
{
    private const int BufferSize = 16 * 1024;
    // Io is level-triggered: the next event reads the rest, after other connections had their turn.
    private const int MaxReadsPerEvent = 4;

    private readonly Socket _socket;
    private readonly Totals _totals;
    private readonly Io _ready;
    private readonly TaskCompletionSource _ended = new();
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _start, _end; // the range of the buffer that was not sent yet
    private bool _isStopping, _hasClientEnded, _isClosing;

    private Connection(LoopStream stream, Totals totals)
    {
        (_socket, _totals) = (stream.Socket, totals);
        _ready = stream.Loop.Io(_socket, Events.Read, (_, revents) => OnReady(revents));
        _ready.Start();
    }

    /// <summary>Serves a connection on the loop's thread.</summary>
    /// <param name="stream">The connection. The server disposes it.</param>
    /// <param name="totals">The counters that all connections share.</param>
    /// <param name="stop">Cancelled on any thread when the server stops.</param>
    /// <param name="token">Cancelled on the loop's thread when the connection must end now.</param>
    public static async Task ServeAsync(LoopStream stream, Totals totals, CancellationToken stop, CancellationToken token)
    {
        Interlocked.Increment(ref totals.Accepted);
        var connection = new Connection(stream, totals);
        using CancellationTokenRegistration stopping = stop.Register(() => stream.Loop.TryPost(connection.Stop));
        using CancellationTokenRegistration cutting = token.Register(() => connection.Cut(token));
        await connection._ended.Task;
    }

    private void Stop()
    {
        _isStopping = true;

        if (!_ended.Task.IsCompleted)
        {
            OnReady(Events.None);
        }
    }

    private void Cut(CancellationToken token) => End(ref _isClosing ? ref _totals.Closed : ref _totals.Cut, _isClosing ? default : token);

    // The server disposes the socket after the task, so the watcher is disposed first. If the task is cancelled, the server resets the
    // connection.
    private void End(ref long count, CancellationToken token = default)
    {
        Interlocked.Increment(ref count);
        _ready.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
        _ = token.IsCancellationRequested ? _ended.TrySetCanceled(token) : _ended.TrySetResult();
    }

    private void OnReady(Events revents)
    {
        try
        {
            Send();

            if ((revents & Events.Read) != 0)
            {
                Receive();
            }

            if ((_isStopping || _hasClientEnded) && !_isClosing && _start == _end)
            {
                _socket.Shutdown(SocketShutdown.Send);
                _isClosing = true;
            }
        }
        catch (SocketException)
        {
            End(ref _totals.Broken);
            return;
        }

        if (_isClosing && _hasClientEnded)
        {
            End(ref _totals.Closed);
            return;
        }

        _ready.Events = _start < _end ? Events.Write : Events.Read;
    }

    private void Receive()
    {
        for (int i = 0; i < MaxReadsPerEvent && _start == _end && _socket.TryReceive(_buffer, out int count); i++)
        {
            if (count == 0)
            {
                _hasClientEnded = true;
                return;
            }

            if (_isClosing)
            {
                Interlocked.Add(ref _totals.Late, count);
                continue;
            }

            Interlocked.Add(ref _totals.In, count);
            (_start, _end) = (0, count);
            Send();

            // The socket gave fewer bytes than requested, so it is empty. Another call would only find that out.
            if (count < _buffer.Length)
            {
                return;
            }
        }
    }

    private void Send()
    {
        while (_start < _end && _socket.TrySend(_buffer.AsSpan(_start, _end - _start), out int count))
        {
            _start += count;
            Interlocked.Add(ref _totals.Out, count);
        }
    }
}
