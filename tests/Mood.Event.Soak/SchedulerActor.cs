using System;

namespace Mood.Event.Soak;

/// <summary>A Scheduler is called at the time that its function returns. If the function fails, the Scheduler is stopped, and the failure is reported once.</summary>
internal sealed class SchedulerActor : Actor
{
    private readonly Loop _loop;
    private Scheduler _scheduler;
    private ExpectedException? _thrown;
    private bool _fails;

    public SchedulerActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _scheduler = Make();
    }

    // A failure is reported in the next run.
    public override bool IsDone => _thrown is null || _thrown.Told + _thrown.Left == 1;

    public override string Owes => "the report of the exception of a reschedule function";

    public override void Act()
    {
        if (_thrown is not null)
        {
            if (!IsDone)
            {
                return;
            }

            Demand(!_scheduler.IsActive, "a scheduler whose function failed is active");
            (_thrown, _fails) = (null, false);
        }

        switch (Random.Next(7))
        {
            case 0 or 1:
                Ask(_scheduler.Start);
                break;
            case 2:
                Ask(_scheduler.Reset);
                break;
            case 3:
                _scheduler.Stop();
                break;
            case 4:
                _scheduler.Dispose();
                _scheduler = Make();
                break;
            case 5:
                _fails = !_fails;
                break;
            default:
                _scheduler.Fatal = !_scheduler.Fatal;
                break;
        }
    }

    public override void Dispose() => _scheduler.Dispose();

    /// <summary>Calls a method of the scheduler. Outside Start, a fatal failure of the function leaves that method.</summary>
    private void Ask(Action action)
    {
        try
        {
            action();
        }
        catch (ExpectedException e) when (e == _thrown)
        {
            e.Left++;
        }
    }

    private Scheduler Make() => _loop.Scheduler(Reschedule, Fire, this, Random.Next(-2, 3));

    private double Reschedule(Scheduler scheduler, double now)
    {
        if (_fails)
        {
            throw _thrown ??= new ExpectedException();
        }

        return now + (Chance.NextDouble() * 0.01);
    }

    private void Fire(Scheduler scheduler, Events revents)
    {
        Demand(scheduler == _scheduler && revents == Events.Periodic, "a disposed scheduler was called");
        Calls++;
    }
}
