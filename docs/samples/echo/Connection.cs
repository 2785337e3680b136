using System;
using System.Buffers;
using System.Net.Sockets;
using Mood.Event;

namespace Echo;

/// <summary>
/// One connection: what is read is sent back.
/// <code>
///   open      reads while there is room in the buffer, writes while there is something in it
///     |  the peer has shut down its side
///   draining  only writes
///     |  the buffer is empty
///   closed    shut down, watchers disposed, then the socket; also on any error and on the idle timeout
/// </code>
/// A client that does not read costs one buffer: when that is full, its socket is not read any more, the kernel's
/// buffers fill up, and the client has to wait.
/// </summary>
internal sealed class Connection : IDisposable
{
    private const int BufferSize = 16 * 1024;
    private const int MaxReadsPerEvent = 4; // then it is the others' turn: level triggered, it is called again

    private readonly Server _server;
    private readonly Socket _socket;
    private readonly Io _ready;
    private readonly Timer _idle;
    private readonly byte[] _buffer = ArrayPool<byte>.Shared.Rent(BufferSize);
    private int _start, _end; // what is still to be sent
    private bool _draining, _closed;

    public Connection(Loop loop, Server server, Socket socket, double idle)
    {
        _server = server;
        _socket = socket;
        _ready = loop.Io(socket, Events.Read, OnReady);
        _idle = loop.Timer(0, idle, (_, _) => _server.Remove(this));
        _ready.Start();
        _idle.Reset(); // from now on; with a Repeat of 0 it does not start at all
    }

    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        _idle.Dispose();
        _ready.Dispose(); // the watcher before its socket
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private void OnReady(Io io, Events revents)
    {
        _idle.Reset();

        // room first, then what comes in
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

            // it gave less than there was room for: it is empty, and asking again would only say so
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
            // worth moving: at most half of the buffer, and half of it is free again
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
            // the peer was faster: it is gone altogether
        }
    }
}
