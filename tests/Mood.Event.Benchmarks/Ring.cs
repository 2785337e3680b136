using System;

namespace Mood.Event.Benchmarks;

/// <summary>One run of the socketpair benchmark: its stations, and the number of bytes that were written and read.</summary>
internal sealed class Ring
{
    private readonly Loop _loop;
    private readonly Station[] _stations;
    private readonly int _wanted;
    private int _reads, _writes;

    internal Ring(Loop loop, int wanted, Station[] stations)
    {
        (_loop, _wanted, _stations) = (loop, wanted, stations);

        foreach (Station station in stations)
        {
            station.Ring = this;
        }
    }

    /// <summary>Runs until all bytes were written and read.</summary>
    /// <param name="timeouts">Whether every event re-arms a timer.</param>
    /// <param name="io">Makes the watcher of a station.</param>
    /// <returns>Nanoseconds per event.</returns>
    internal double Run(bool timeouts, Func<Station, Io> io)
    {
        for (int i = 0; i < _stations.Length; i++)
        {
            Station station = _stations[i];
            io(station).Start();
            station.Timeout = null;

            if (timeouts)
            {
                station.Timeout = _loop.Timer(0, 10 + i * 1e-3, OnLate);
                station.Timeout.Reset();
            }
        }

        _loop.Timer(10, 0, OnLate).Start();
        _loop.Start(RunFlags.NoWait);

        for (int i = 0; i < PairsBenchmark.Active; i++)
        {
            // The byte is written by the station before the one that reads it.
            int writer = (int)((long)i * _stations.Length / PairsBenchmark.Active) - 1;
            _writes += Posix.TryWrite(_stations[writer < 0 ? ^1 : writer].To, 0) ? 1 : 0;
        }

        double start = Measure.Busy;
        _loop.Start();
        double time = Measure.Busy - start;
        Measure.Expect(_reads, _wanted, "bytes read");
        Measure.Expect(_writes, _wanted, "bytes written");
        return time / _wanted;
    }

    internal void CountRead() => _reads++;

    /// <summary>Whether a station that has read may write the next byte. Ends the run after the last byte.</summary>
    internal bool MayWrite()
    {
        if (_writes < _wanted)
        {
            return true;
        }

        if (_reads == _writes)
        {
            _loop.Stop(BreakHow.All);
        }

        return false;
    }

    internal void CountWrite() => _writes++;

    // After this Stop, the check of the counts fails.
    private void OnLate(Timer timer, Events revents) => _loop.Stop(BreakHow.All);
}
