using System;

namespace Mood.Event.Soak;

/// <summary>Each Check is called after its Prepare. An Idle that starts and stops does not change that.</summary>
internal sealed class PhaseActor : Actor
{
    private readonly Prepare _prepare;
    private readonly Check _check;
    private readonly Idle _idle;
    private int _prepared, _checked;

    public PhaseActor(Loop loop, int seed)
        : base(seed)
    {
        _prepare = loop.Prepare((_, _) => Calls = ++_prepared);
        _check = loop.Check((_, _) =>
        {
            _checked++;
            Demand(!_prepare!.IsActive || _checked <= _prepared, "a Check was called without its Prepare");
        });
        _idle = loop.Idle();
        _prepare.KeepAlive = _check.KeepAlive = _idle.KeepAlive = false;
        Restart();
    }

    public override bool IsDone => true;

    public override string Owes => "nothing";

    public override void Act()
    {
        if (Random.Next(4) == 0)
        {
            Restart();
        }
        else if (Random.Next(2) == 0)
        {
            _idle.Start();
        }
        else
        {
            _idle.Stop();
        }
    }

    public override void Dispose()
    {
        _prepare.Dispose();
        _check.Dispose();
        _idle.Dispose();
    }

    private void Restart()
    {
        _prepare.Stop();
        _check.Stop();
        _prepared = _checked = 0;
        _prepare.Start();
        _check.Start();
    }
}
