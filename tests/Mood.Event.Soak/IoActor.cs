using System;
using System.Net.Sockets;

namespace Mood.Event.Soak;

/// <summary>Every byte of a socket pair arrives in order, whatever operations the actor does on the watchers.</summary>
internal sealed class IoActor : Actor
{
    private readonly Loop _loop;
    private readonly byte[] _buffer = new byte[256];
    private Socket _near = null!, _far = null!;
    private Io _reader = null!;
    private long _written, _read;

    public IoActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        Open();
    }

    public override bool IsDone => _written == _read || !_reader.IsActive || (_reader.Events & Events.Read) == 0;

    public override string Owes => $"{_written - _read} bytes of a socket";

    public override void Act()
    {
        switch (Random.Next(8))
        {
            case 0 or 1 or 2:
                Write();
                break;
            case 3:
                _reader.Start();
                break;
            case 4:
                _reader.Stop();
                break;
            case 5:
                _reader.Events = (Events)Random.Next(4);
                break;
            case 6:
                // Within one iteration a new pair replaces the old one, usually with the same fd numbers.
                Close();
                Open();
                break;
            default:
                _loop.FeedFdEvent(_near, Events.Read); // causes a call for which there may be no bytes
                break;
        }
    }

    public override void Dispose() => Close();

    private void Open()
    {
        (_near, _far) = SocketPair.Make();
        _written = _read = 0;
        _reader = _loop.Io(_near, Events.Read, Ready, priority: Random.Next(-2, 3));
        _reader.Start();
    }

    private void Close()
    {
        _reader.Dispose();
        _near.Dispose();
        _far.Dispose();
    }

    private void Write()
    {
        int count = Random.Next(1, _buffer.Length);

        for (int i = 0; i < count; i++)
        {
            _buffer[i] = (byte)(_written + i);
        }

        int sent = _far.Send(_buffer, 0, count, SocketFlags.None, out SocketError error);

        if (error == SocketError.Success)
        {
            _written += sent;
        }
    }

    private void Ready(Io io, Events revents)
    {
        Demand(io == _reader, "a disposed Io was called");
        Demand((revents & ~(Events.Read | Events.Write)) == 0, $"an Io got {revents}");
        Calls++;

        int count = _near.Receive(_buffer, 0, _buffer.Length, SocketFlags.None, out SocketError error);

        for (int i = 0; error == SocketError.Success && i < count; i++)
        {
            Demand(_buffer[i] == (byte)(_read + i), "a byte was changed");
        }

        _read += error == SocketError.Success ? count : 0;
    }
}
