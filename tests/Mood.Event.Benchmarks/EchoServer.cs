using System;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>An echo server with callbacks, as a user of Mood.Event would write it, with the same structure as native/echo-libev.c.</summary>
internal sealed class EchoServer
{
    private readonly Loop _loop;
    private readonly Socket _listener;

    // One buffer serves all connections. Its bytes are sent, or copied to _rest, before the next connection reads.
    private readonly byte[] _buffer = new byte[16 * 1024];

    private EchoServer(Loop loop, Socket listener)
    {
        _loop = loop;
        _listener = listener;
        loop.Io(listener, Events.Read, (_, _) => Accept()).Start();
    }

    internal static void Run()
    {
        using Loop loop = Loop.Default;
        using Socket listener = ServerProcess.Listen();
        _ = new EchoServer(loop, listener);
        ServerProcess.Run(loop);
    }

    private void Accept()
    {
        while (_listener.TryAccept(out Socket? socket))
        {
            socket.NoDelay = true;
            _ = new Connection(this, socket);
        }
    }

    private sealed class Connection
    {
        private readonly Socket _socket;
        private readonly Io _io;
        private readonly byte[] _buffer;
        private byte[] _rest = []; // the bytes that the socket has not taken yet
        private int _start;

        internal Connection(EchoServer server, Socket socket)
        {
            _socket = socket;
            _buffer = server._buffer;
            _io = server._loop.Io(socket, Events.Read, OnReady);
            _io.Start();
        }

        private void OnReady(Io io, Events revents)
        {
            try
            {
                if ((revents & Events.Write) != 0)
                {
                    Resume();
                }
                else
                {
                    Echo();
                }
            }
            catch (SocketException)
            {
                End();
            }
        }

        private void Echo()
        {
            if (!_socket.TryReceive(_buffer, out int count))
            {
                return;
            }

            if (count == 0)
            {
                End();
                return;
            }

            _socket.TrySend(_buffer.AsSpan(0, count), out int sent);

            if (sent < count)
            {
                // The rest must be sent before the next read.
                _rest = _buffer[sent..count];
                _start = 0;
                _io.Events = Events.Write;
            }
        }

        private void Resume()
        {
            _socket.TrySend(_rest.AsSpan(_start), out int sent);
            _start += sent;

            if (_start == _rest.Length)
            {
                _io.Events = Events.Read;
            }
        }

        private void End()
        {
            _io.Dispose(); // the watcher must be disposed before its socket
            _socket.Dispose();
        }
    }
}
