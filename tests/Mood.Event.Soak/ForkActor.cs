namespace Mood.Event.Soak;

/// <summary>After one or more Resets, the next run calls each Fork watcher once, and all other watchers continue.</summary>
internal sealed class ForkActor : Actor
{
    private readonly Loop _loop;
    private readonly Fork _fork;
    private bool _owed;

    public ForkActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _fork = loop.Fork((_, revents) =>
        {
            Demand(revents == Events.Fork, $"a fork watcher got {revents}");
            Calls++;
            _owed = false;
        });
        _fork.KeepAlive = false;
        _fork.Start();
    }

    public override bool IsDone => !_owed;

    public override string Owes => "the call after a Reset";

    public override void Act()
    {
        if (Random.Next(6) == 0)
        {
            _loop.Reset();
            _owed = _fork.IsActive;
        }
        else if (Random.Next(4) == 0)
        {
            _fork.Stop();
            _owed = false;
        }
        else
        {
            _fork.Start();
        }
    }

    public override void Dispose() => _fork.Dispose();
}
