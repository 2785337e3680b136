using System;
using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Mood.Event;

namespace Echo;

/// <summary>
/// One client of the self-test. It sends a message, waits for the whole echo, compares it, and repeats this.
/// <code>
///   connecting   until the socket is writable
///   greeting     the first message, which is not counted; afterwards the server has accepted and all buffers exist
///   waiting      until all other clients were greeted
///   talking      message after message
///   finishing    the last message; then this client shuts down its side, and the server its own
/// </code>
/// A failure in any state goes to the SelfTest, which ends.
/// </summary>
internal sealed class Client : IDisposable
{
    private readonly SelfTest _test;
    private readonly int _index, _size;
    private readonly Socket _socket;
    private readonly Io _ready;
    private readonly byte[] _buffer;
    private long _sent, _received; // positions in the stream
    private long _target;          // the end of the current message
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
            // The connection is in progress, and the socket becomes writable at its end. One exception per connection costs little.
        }

        _ready = loop.Io(_socket, Events.Write, (_, revents) => OnReady(revents));
        _ready.Start();
    }

    public long Sent => _sent;

    public long Received => _received;

    public long RoundTrips { get; private set; }

    /// <summary>Starts the messages, once every client has its greeting back.</summary>
    public void Talk()
    {
        _target += _size;
        Continue();
    }

    /// <summary>Makes the current message the last one.</summary>
    public void Finish() => _finishing = true;

    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        _ready.Dispose(); // a watcher must be disposed before its socket
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

    /// <summary>Returns false if the connection has ended.</summary>
    private bool Receive()
    {
        while (true)
        {
            // Without a current message this asks for one byte. A byte is an error then, and the end of the stream is not.
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
            _test.OnGreeted(); // the last greeting starts the messages of all clients
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
