using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Mood.Event;

namespace Echo;

/// <summary>
/// One client of the self-test: sends a message, waits for all of its echo, compares, and again.
/// <code>
///   connecting   until the socket is writable
///   greeting     the first message, not counted: now the server has accepted and all buffers are there
///   waiting      for the others to come so far
///   talking      message after message
///   finishing    the last message, then this side is shut down, then the server's: done
/// </code>
/// What goes wrong in any state is said to the SelfTest, which ends.
/// </summary>
internal sealed class Client : IDisposable
{
    private readonly SelfTest _test;
    private readonly int _index, _size;
    private readonly Socket _socket;
    private readonly Io _ready;
    private readonly byte[] _buffer;
    private long _sent, _received; // positions in the stream
    private long _target;          // where the message under way ends
    private bool _connected, _greeted, _finishing, _shutDown, _disposed;

    public Client(Loop loop, SelfTest test, int index, int size, IPEndPoint server)
    {
        _test = test;
        _index = index;
        _size = size;
        _buffer = ArrayPool<byte>.Shared.Rent(Math.Min(size, 64 * 1024));
        _socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, NoDelay = true };

        try
        {
            _socket.Connect(server);
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            // Under way: writable says that it is done. Once per connection, an exception is affordable.
        }

        _ready = loop.Io(_socket, Events.Write, (_, revents) => OnReady(revents));
        _ready.Start();
    }

    public long Sent => _sent;

    public long Received => _received;

    public long RoundTrips { get; private set; }

    /// <summary>Every client has had its greeting back.</summary>
    public void Talk()
    {
        _target += _size;
        Continue();
    }

    /// <summary>No further message: the one under way is the last.</summary>
    public void Finish() => _finishing = true;

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _ready.Dispose(); // the watcher before its socket
        _socket.Dispose();
        ArrayPool<byte>.Shared.Return(_buffer);
    }

    private void OnReady(Events revents)
    {
        if (!_connected)
        {
            var error = (SocketError)(int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;

            if (error != SocketError.Success)
            {
                _test.Fail($"connection {_index} could not be made: {error}");
                return;
            }

            _connected = true;
            _target = _size;
            Continue();
            return;
        }

        if ((revents & Events.Read) == 0 || Receive())
        {
            Continue();
        }
    }

    /// <summary>False: nothing is left to be done with this connection.</summary>
    private bool Receive()
    {
        while (true)
        {
            // with nothing under way this asks for one byte, which must not come: the end may
            int expected = (int)Math.Min(Math.Max(_target - _received, 1), _buffer.Length);
            int count = _socket.Receive(_buffer.AsSpan(0, expected), SocketFlags.None, out SocketError error);

            if (error == SocketError.WouldBlock)
            {
                return true;
            }

            if (error != SocketError.Success)
            {
                _test.Fail($"connection {_index} broke after {_received} bytes: {error}");
                return false;
            }

            if (count == 0)
            {
                if (_shutDown)
                {
                    _test.OnDone(this);
                }
                else
                {
                    _test.Fail($"connection {_index}: the server closed it after {_received} bytes");
                }

                return false;
            }

            if (!Compare(count))
            {
                return false;
            }

            if (_received == _target)
            {
                return OnEcho();
            }

            if (count < expected)
            {
                return true;
            }
        }
    }

    private bool OnEcho()
    {
        if (!_greeted)
        {
            _greeted = true;
            _test.OnGreeted(); // has all of them talk if this was the last one
            return !_disposed;
        }

        RoundTrips++;

        if (_finishing)
        {
            _socket.Shutdown(SocketShutdown.Send);
            _shutDown = true;
        }
        else
        {
            _target += _size;
        }

        return true;
    }

    private bool Compare(int count)
    {
        if (_received + count > _sent)
        {
            _test.Fail($"connection {_index}: {_received + count} bytes came back, but only {_sent} were sent");
            return false;
        }

        ReadOnlySpan<byte> expected = Pattern.At(Pattern.Origin(_index) + _received, count);
        int same = _buffer.AsSpan(0, count).CommonPrefixLength(expected);

        if (same < count)
        {
            _test.Fail($"connection {_index}: byte {_received + same} was sent as 0x{expected[same]:x2} and came back as 0x{_buffer[same]:x2}");
            return false;
        }

        _received += count;
        return true;
    }

    private void Continue()
    {
        while (_sent < _target)
        {
            ReadOnlySpan<byte> rest = Pattern.At(Pattern.Origin(_index) + _sent, (int)(_target - _sent));
            int count = _socket.Send(rest, SocketFlags.None, out SocketError error);

            if (error == SocketError.WouldBlock)
            {
                break;
            }

            if (error != SocketError.Success)
            {
                _test.Fail($"connection {_index} broke after {_sent} bytes: {error}");
                return;
            }

            _sent += count;
        }

        _ready.Events = _sent < _target ? Events.Read | Events.Write : Events.Read;
    }
}
