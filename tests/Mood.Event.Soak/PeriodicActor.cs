using System;

namespace Mood.Event.Soak;

/// <summary>A Periodic is called once at its time, or at each multiple of its interval, and never early.</summary>
internal sealed class PeriodicActor : Actor
{
    /// <summary>
    /// The tolerance in seconds. The loop's wall clock is the sum of two clocks that are read one after the other, so it may go back by the
    /// time between the two readings.
    /// </summary>
    private const double Wobble = 0.05;

    private readonly Loop _loop;
    private Periodic _periodic;
    private double _due;
    private bool _armed;

    public PeriodicActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _periodic = Make();
    }

    public override bool IsDone => !_armed || _periodic.Interval > 0;

    public override string Owes => $"a periodic due at {_due}, now {_loop.Now()}";

    public override void Act()
    {
        switch (Random.Next(6))
        {
            case 0:
                // If a fatal exception has left a call pending, the periodic is not started again.
                if (!_periodic.IsPending)
                {
                    Arm(_periodic.Start);
                }

                break;
            case 1:
                Arm(_periodic.Reset);
                break;
            case 2:
                _periodic.Stop();
                _armed = false;
                break;
            case 3:
                _periodic.Dispose();
                _periodic = Make();
                _armed = false;
                break;
            case 4:
                _periodic.KeepAlive = !_periodic.KeepAlive;
                break;
            default:
                Demand(_periodic.IsPending || _periodic.IsActive == _armed, "a periodic is active although it should not be, or inactive although it should be active");
                break;
        }
    }

    public override void Dispose() => _periodic.Dispose();

    private void Arm(Action start)
    {
        start();
        _due = _periodic.At;
        _armed = true;
    }

    private Periodic Make() => Random.Next(2) == 0
        ? _loop.Periodic(_loop.Now() + (Random.NextDouble() * 0.02) - 0.005, 0, Fire, this, Random.Next(-2, 3))
        : _loop.Periodic(Random.NextDouble(), 0.002 + (Random.NextDouble() * 0.01), Fire, this, Random.Next(-2, 3));

    private void Fire(Periodic periodic, Events revents)
    {
        Demand(periodic == _periodic && _armed && revents == Events.Periodic, "a disposed or stopped periodic was called");
        Demand(_loop.Now() >= _due - Wobble, $"a periodic was called {_due - _loop.Now()} s early");
        Calls++;

        if (periodic.Interval > 0)
        {
            double multiples = (periodic.At - periodic.Offset) / periodic.Interval;
            Demand(Math.Abs(multiples - Math.Round(multiples)) * periodic.Interval < 1e-5, "the next time of a periodic is not a multiple of its interval");
            _due = periodic.At;
        }
        else
        {
            _armed = false;
            Demand(!periodic.IsActive, "a periodic without an interval is active in its callback");
        }
    }
}
