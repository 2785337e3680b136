using System;
using Mood.Event;

namespace Echo;

/// <summary>A line once a second while the server runs.</summary>
internal sealed class Statistics : IDisposable
{
    private readonly Timer _timer;
    private readonly Server _server;
    private long _bytesIn, _bytesOut;
    private double _last;

    public Statistics(Loop loop, Server server)
    {
        _server = server;
        _last = loop.Now();
        _timer = loop.Timer(1, 1, Print);
        _timer.Start();
    }

    public void Dispose() => _timer.Dispose();

    private void Print(Timer timer, Events revents)
    {
        double now = timer.Loop.Now();
        double elapsed = now - _last; // the timer may be late, and Now follows the wall clock, which may jump

        if (elapsed > 0)
        {
            Console.WriteLine(
                $"{_server.Connections} connections, {_server.Accepted} accepted, " +
                $"{(_server.BytesIn - _bytesIn) / elapsed:F0} bytes/s in, {(_server.BytesOut - _bytesOut) / elapsed:F0} bytes/s out");
        }

        (_last, _bytesIn, _bytesOut) = (now, _server.BytesIn, _server.BytesOut);
    }
}
