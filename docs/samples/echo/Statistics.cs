using System;
using System.Collections.Generic;
using System.Linq;
using Mood.Event;

namespace Echo;

/// <summary>Prints one line per second while the server runs.</summary>
internal sealed class Statistics : IDisposable
{
    private readonly Timer _timer;
    private readonly IServer _server;
    private long _bytesIn, _bytesOut;
    private double _last;

    public Statistics(Loop loop, IServer server)
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
        double elapsed = now - _last; // the timer may be late, and Now follows the wall clock, which can jump

        IReadOnlyList<Totals> totals = _server.Totals;
        long bytesIn = totals.Sum(t => t.BytesIn), bytesOut = totals.Sum(t => t.BytesOut);

        if (elapsed > 0)
        {
            Console.WriteLine(
                $"{totals.Sum(t => t.Connections)} connections, {totals.Sum(t => t.Accepted)} accepted, " +
                $"{(bytesIn - _bytesIn) / elapsed:F0} bytes/s in, {(bytesOut - _bytesOut) / elapsed:F0} bytes/s out");
        }

        (_last, _bytesIn, _bytesOut) = (now, bytesIn, bytesOut);
    }
}
