using System;
using System.Net.Sockets;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>An embedded loop gets the events of its fds and of other threads while only the outer loop runs.</summary>
internal sealed class EmbedActor : Actor
{
    private readonly Loop _loop;
    private readonly byte[] _buffer = new byte[64];
    private Loop _inner = null!;
    private Embed _embed = null!;
    private Io _io = null!;
    private Async _async = null!;
    private Socket _near = null!, _far = null!;
    private int _written, _read, _sent, _seen;
    private Exception? _broken;

    public EmbedActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        Open();
    }

    public override bool IsDone
    {
        get
        {
            Demand(_broken is null, $"in an embedded loop: {_broken}");
            return !_embed.IsActive || (_written == _read && Volatile.Read(ref _sent) == _seen);
        }
    }

    public override string Owes => $"{_written - _read} bytes and {_sent - _seen} sends in an embedded loop";

    public override void Act()
    {
        switch (Random.Next(9))
        {
            case 0 or 1:
                _written += _far.Send(_buffer, 0, Random.Next(1, _buffer.Length), SocketFlags.None);
                break;
            case 2:
                Send();
                break;
            case 3:
                Helpers.Run(Send);
                break;
            case 4:
                _embed.Stop();
                break;
            case 5:
                _embed.Sweep();
                break;
            case 6:
                Close();
                Open();
                break;
            case 7:
                _io.Stop();
                _io.Start();
                break;
            default:
                _embed.Start();
                break;
        }
    }

    public override void Dispose() => Close();

    private void Open()
    {
        _inner = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        _inner.CallbackException += (_, e) => _broken ??= e.Exception;
        (_near, _far) = SocketPair.Make();
        (_written, _read, _seen) = (0, 0, _sent);
        _io = _inner.Io(_near, Events.Read, (io, _) =>
        {
            Demand(io == _io, "a disposed Io of an embedded loop was called");
            Calls++;
            int count = _near.Receive(_buffer, 0, _buffer.Length, SocketFlags.None, out SocketError error);
            _read += error == SocketError.Success ? count : 0;
        });
        _io.Start();
        _async = _inner.Async((async, _) =>
        {
            Demand(async == _async, "a disposed async of an embedded loop was called");
            Calls++;
            _seen = Volatile.Read(ref _sent);
        });
        _async.Start();
        _embed = _loop.Embed(_inner, priority: Random.Next(-2, 3));
        _embed.Start();
    }

    /// <summary>Disposes the Embed and the inner loop in either order. The outer loop must notice both.</summary>
    private void Close()
    {
        Helpers.Wait();

        if (Random.Next(2) == 0)
        {
            _embed.Dispose();
        }

        _inner.Dispose();
        _embed.Dispose();
        _io.Dispose();
        _async.Dispose();
        _near.Dispose();
        _far.Dispose();
    }

    private void Send()
    {
        Interlocked.Increment(ref _sent);
        _async.Send();
    }
}
