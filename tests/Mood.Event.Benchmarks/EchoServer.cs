using System;
using System.IO;
using System.Net;
using System.Net.Sockets;

namespace Mood.Event.Benchmarks;

/// <summary>
/// An echo server as a user of Mood.Event would write it, with the same structure as native/echo-libev.c. It prints its port, and
/// ends at the end of standard input. With `plain` it calls recv and send as C does. Then only the loop costs more than in C.
/// </summary>
internal sealed class EchoServer
{
    private readonly Loop _loop;
    private readonly Socket _listener;
    private readonly bool _plain;

    // One buffer for all connections: its bytes are sent, or copied to _rest, before the next connection reads.
    private readonly byte[] _buffer = new byte[16 * 1024];

    private EchoServer(Loop loop, Socket listener, bool plain)
    {
        _plain = plain;
        _loop = loop;
        _listener = listener;
        listener.Blocking = false;
        loop.Io(listener, Events.Read, (_, _) => Accept()).Start();
    }

    internal static void Run(bool plain)
    {
        using Loop loop = Loop.Default;
        using Socket listener = SocketsEchoServer.Listen();
        using Stream input = Console.OpenStandardInput();
        _ = new EchoServer(loop, listener, plain);

        loop.Io(0, Events.Read, (_, _) =>
        {
            if (input.ReadByte() < 0)
            {
                loop.Stop(BreakHow.All);
            }
        }).Start();
        loop.Start();
    }

    private void Accept()
    {
        // Without a waiting connection, Accept throws. So Poll is called first.
        while (_listener.Poll(0, SelectMode.SelectRead))
        {
            Socket socket = _listener.Accept();
            socket.Blocking = false;
            socket.NoDelay = true;
            _ = new Connection(this, socket);
        }
    }

    private sealed class Connection
    {
        private readonly Socket _socket;
        private readonly Io _io;
        private readonly byte[] _buffer;
        private readonly bool _plain;
        private byte[] _rest = []; // the bytes that the socket has not taken yet
        private int _start;

        internal Connection(EchoServer server, Socket socket)
        {
            _socket = socket;
            _buffer = server._buffer;
            _plain = server._plain;
            _io = server._loop.Io(socket, Events.Read, OnReady);
            _io.Start();
        }

        private void OnReady(Io io, Events revents)
        {
            if ((revents & Events.Write) != 0)
            {
                Resume();
                return;
            }

            SocketError error;
            int count = _plain
                ? RawSockets.Receive(io.Fd, _buffer, out error) : _socket.Receive(_buffer, SocketFlags.None, out error);

            if (error == SocketError.WouldBlock)
            {
                return;
            }

            if (error != SocketError.Success || count == 0)
            {
                End();
                return;
            }

            int sent = Send(_buffer.AsSpan(0, count));

            if (sent < count && sent >= 0)
            {
                // The rest is sent before anything else is read.
                _rest = _buffer[sent..count];
                _start = 0;
                io.Events = Events.Write;
            }
        }

        private void Resume()
        {
            int sent = Send(_rest.AsSpan(_start));
            _start += sent;

            if (sent >= 0 && _start == _rest.Length)
            {
                _io.Events = Events.Read;
            }
        }

        /// <summary>Sends as many bytes as the socket takes. Returns their number; negative: the connection has ended.</summary>
        private int Send(ReadOnlySpan<byte> bytes)
        {
            SocketError error;
            int sent = _plain ? RawSockets.Send(_io.Fd, bytes, out error) : _socket.Send(bytes, SocketFlags.None, out error);

            switch (error)
            {
                case SocketError.Success:
                    return sent;
                case SocketError.WouldBlock:
                    return 0;
                default:
                    End();
                    return -1;
            }
        }

        private void End()
        {
            _io.Dispose(); // the watcher is disposed before its socket
            _socket.Dispose();
        }
    }
}
