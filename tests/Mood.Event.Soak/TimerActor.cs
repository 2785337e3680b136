using System;
using System.Diagnostics;

namespace Mood.Event.Soak;

/// <summary>A Timer that does not repeat is called once for each start. No Timer is called early, or after a stop.</summary>
internal sealed class TimerActor : Actor
{
    private readonly Loop _loop;
    private Timer _timer;
    private long _due; // in ticks of the Stopwatch, whose clock is that of libev's timers
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
        Demand((_thrown?.Told ?? 1) == 1, "an exception was not reported exactly once");

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
            case 3 when _timer.Repeat > 0:
                SetDue(_timer.Repeat);
                _timer.Reset();
                _armed = true;
                break;
            case 3:
                double after = Random.NextDouble() * 0.01;
                SetDue(after);
                _timer.Restart(after);
                _armed = true;
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
                // A timer whose call is still pending after a fatal exception is no longer active.
                Demand(_timer.IsPending || _timer.IsActive == _armed, "a timer is active although it should not be, or inactive although it should be active");
                break;
        }
    }

    public override void Dispose() => _timer.Dispose();

    private void Arm()
    {
        if (_armed)
        {
            _timer.Start(); // does nothing, because the timer is active
            return;
        }

        SetDue(_timer.Remaining);
        _timer.Start();
        _armed = true;
    }

    /// <summary>
    /// Computes the due time before it updates the loop's time. The timer counts from the loop's time, so it is not due earlier than
    /// computed.
    /// </summary>
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
        Demand(timer == _timer && revents == Events.Timer, "a disposed timer was called");
        Demand(_armed, "a stopped timer was called");
        Demand(Stopwatch.GetTimestamp() >= _due, $"a timer was called {Early} s early");
        Calls++;

        if (timer.Repeat > 0)
        {
            _due = 0; // libev decides the next time, which the model does not know
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
