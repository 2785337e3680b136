using System;

namespace Mood.Event.Soak;

/// <summary>A timer fires once per start when it does not repeat, never before its time, and never once stopped.</summary>
internal sealed class TimerActor : Actor
{
    private readonly Loop _loop;
    private Timer _timer;
    private double _due;
    private bool _armed, _throws;

    public TimerActor(Loop loop, Random random)
        : base(random)
    {
        _loop = loop;
        _timer = Make();
    }

    public override bool IsDone => !_armed || _timer.Repeat > 0;

    public override string Owes => $"a timer due at {_due}, now {_loop.Now()}";

    public override void Act()
    {
        switch (Random.Next(8))
        {
            case 0:
                Arm();
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
                _timer.Reset();
                _armed = _timer.Repeat > 0;
                _due = _loop.Now() + _timer.Repeat;
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
                Demand(_timer.IsActive == _armed, "a timer is active and should not be, or the other way round");
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

        _due = _loop.Now() + _timer.Remaining;
        _timer.Start();
        _armed = true;
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
        // a microsecond: the loop's time is the sum of two clocks
        Demand(_loop.Now() >= _due - 1e-6, $"a timer has fired {_due - _loop.Now()} s early");
        Calls++;

        if (timer.Repeat > 0)
        {
            _due = _loop.Now(); // how much later is libev's to say
        }
        else
        {
            _armed = false;
            Demand(!timer.IsActive, "a timer that does not repeat is active in its callback");
        }

        if (Random.Next(16) == 0)
        {
            timer.Stop();
            _armed = false;
        }

        if (_throws)
        {
            throw new ExpectedException();
        }
    }
}
