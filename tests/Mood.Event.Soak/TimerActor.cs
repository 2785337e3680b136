using System;
using System.Diagnostics;

namespace Mood.Event.Soak;

/// <summary>A timer fires once per start when it does not repeat, never before its time, and never once stopped.</summary>
internal sealed class TimerActor : Actor
{
    private readonly Loop _loop;
    private Timer _timer;
    private long _due; // by the clock that libev's timers go by
    private bool _armed, _throws;
    private ExpectedException? _thrown;

    public TimerActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _timer = Make();
    }

    public override bool IsDone => !_armed || _timer.Repeat > 0;

    public override string Owes => $"a timer due in {Early} s";

    private double Early => (_due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency;

    public override void Act()
    {
        Demand((_thrown?.Told ?? 1) == 1, "an exception was not told once");

        switch (Random.Next(8))
        {
            case 0:
                if (!_timer.IsPending)
                {
                    Arm();
                }

                break;
            case 1:
                _timer.Stop();
                _armed = false;
                break;
            case 2:
                _timer.Stop();
                _timer.Set(Random.NextDouble() * 0.01, Random.Next(3) == 0 ? 0.001 + Random.NextDouble() * 0.01 : 0);
                _armed = false;
                break;
            case 3:
                SetDue(_timer.Repeat);
                _timer.Reset();
                _armed = _timer.Repeat > 0;
                break;
            case 4:
                _timer.Dispose();
                _timer = Make();
                _armed = false;
                break;
            case 5:
                _timer.KeepAlive = !_timer.KeepAlive;
                break;
            case 6:
                _throws = !_throws;
                break;
            default:
                // what a fatal exception left pending is still to come
                Demand(_timer.IsPending || _timer.IsActive == _armed, "a timer is active and should not be, or the other way round");
                break;
        }
    }

    public override void Dispose() => _timer.Dispose();

    private void Arm()
    {
        if (_armed)
        {
            _timer.Start(); // does nothing
            return;
        }

        SetDue(_timer.Remaining);
        _timer.Start();
        _armed = true;
    }

    /// <summary>The loop's time is not older than this afterwards, and what counts from it not earlier.</summary>
    private void SetDue(double seconds)
    {
        _due = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        _loop.Now(update: true);
    }

    private Timer Make()
    {
        double repeat = Random.Next(3) == 0 ? 0.001 + Random.NextDouble() * 0.01 : 0;
        return _loop.Timer(Random.NextDouble() * 0.01, repeat, Fire, this, Random.Next(-3, 4));
    }

    private void Fire(Timer timer, Events revents)
    {
        Demand(timer == _timer && revents == Events.Timer, "a timer that is gone has fired");
        Demand(_armed, "a stopped timer has fired");
        Demand(Stopwatch.GetTimestamp() >= _due, $"a timer has fired {Early} s early");
        Calls++;

        if (timer.Repeat > 0)
        {
            _due = 0; // how much later is libev's to say
        }
        else
        {
            _armed = false;
            Demand(!timer.IsActive, "a timer that does not repeat is active in its callback");
        }

        if (Chance.Next(16) == 0)
        {
            timer.Stop();
            _armed = false;
        }

        if (_throws)
        {
            throw _thrown = new ExpectedException();
        }
    }
}
