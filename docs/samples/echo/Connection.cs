using System;
using System.Buffers;
using System.Net.Sockets;
using Mood.Event;

namespace Echo;

/// <summary>
/// One connection. It sends back the bytes that it has read.
/// <code>
///   open      reads while the buffer has room, writes while the buffer holds bytes
///     |  the peer has shut down its side
///   draining  only writes
///     |  the buffer is empty
///   closed    the watchers are disposed, then the socket; an error and the idle timeout lead here too
/// </code>
/// A client that does not read costs one buffer. When the buffer is full, the server stops reading from the socket, the buffers
/// of the kernel fill up, and the client must wait.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int BufferSize = 16 * 1024;
    // Io is level-triggered: the next event reads the rest, after other connections had their turn.
    private const int MaxReadsPerEvent = 4;

    private readonly Server _server;
    private readonly Socket _socket;
    private readonly Io _ready;
    private readonly Timer? _idle; // null: a silent peer may stay
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _start, _end; // the range of the buffer that was not sent yet
    private bool _draining, _closed;

    public Connection(Loop loop, Server server, Socket socket, double idle)
    {
        _server = server;
        _socket = socket;
        _ready = loop.Io(socket, Events.Read, OnReady);
        _idle = idle > 0 ? loop.Timer(idle, idle, (_, _) => _server.Remove(this)) : null;
        _ready.Start();
        _idle?.Start();
    }

    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        _idle?.Dispose();
        _ready.Dispose(); // the watcher before its socket
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private void OnReady(Io io, Events revents)
    {
        _idle?.Reset();

        // sending makes room for receiving
        bool alive = (revents & Events.Write) == 0 || Send();
        alive = alive && ((revents & Events.Read) == 0 || Receive());

        if (alive && _draining && _start == _end)
        {
            ShutDown();
            alive = false;
        }

        if (!alive)
        {
            _server.Remove(this);
            return;
        }

        io.Events = (!_draining && HasRoom ? Events.Read : Events.None) | (_start < _end ? Events.Write : Events.None);
    }

    private bool HasRoom => _end < _buffer.Length;

    private bool Receive()
    {
        for (int i = 0; i < MaxReadsPerEvent && HasRoom; i++)
        {
            int room = _buffer.Length - _end;
            int count = _socket.Receive(_buffer.AsSpan(_end), SocketFlags.None, out SocketError error);

            if (error == SocketError.WouldBlock)
            {
                return true;
            }

            if (error != SocketError.Success)
            {
                return false;
            }

            if (count == 0)
            {
                _draining = true;
                return true;
            }

            _end += count;
            _server.BytesIn += count;

            if (!Send())
            {
                return false;
            }

            // The socket gave fewer bytes than requested, so it is empty. Another call would only return WouldBlock.
            if (count < room)
            {
                return true;
            }
        }

        return true;
    }

    private bool Send()
    {
        while (_start < _end)
        {
            int count = _socket.Send(_buffer.AsSpan(_start, _end - _start), SocketFlags.None, out SocketError error);

            if (error == SocketError.WouldBlock)
            {
                break;
            }

            if (error != SocketError.Success)
            {
                return false;
            }

            _start += count;
            _server.BytesOut += count;
        }

        if (_start == _end)
        {
            _start = _end = 0;
        }
        else if (!HasRoom && _start >= _buffer.Length / 2)
        {
            // Moving pays off here: it moves at most half of the buffer, and frees at least half.
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        return true;
    }

    private void ShutDown()
    {
        try
        {
            _socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // the peer has reset the connection already
        }
    }
}
