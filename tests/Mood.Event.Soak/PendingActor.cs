using System;

namespace Mood.Event.Soak;

/// <summary>A watcher that was fed events is called once with all of them, unless it is cleared or stopped before the call.</summary>
internal sealed class PendingActor : Actor
{
    private readonly Loop _loop;
    private Check _watcher;
    private Events _fed;
    private bool _pending, _dropped;

    public PendingActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _watcher = Make();
    }

    public override bool IsDone => !_pending;

    public override string Owes => $"the call for the fed events {_fed}";

    public override void Act()
    {
        switch (Random.Next(6))
        {
            case 0 or 1:
                Events events = (Events)(1 << Random.Next(8, 20));
                _watcher.Feed(events);
                _fed |= events;
                _pending = true;
                break;
            case 2:
                Demand(_watcher.Clear() == _fed, "Clear did not return the events that were fed");
                (_fed, _pending) = (Events.None, false);
                break;
            case 3:
                _watcher.Stop();
                (_fed, _pending) = (Events.None, false);
                break;
            case 4:
                if (!_pending)
                {
                    _watcher.Priority = Random.Next(-2, 3);
                }

                break;
            default:
                if (!_pending)
                {
                    // The watcher is inactive and not pending, and no reference to it is left, so the garbage collector may collect it.
                    _dropped = true;
                    _watcher = Make();
                    _dropped = false;
                }

                break;
        }
    }

    public override void Dispose() => _watcher.Dispose();

    private Check Make() => _loop.Check(Called, this);

    private void Called(Check watcher, Events revents)
    {
        Demand(!_dropped && watcher == _watcher && _pending, "a watcher that is not pending was called");
        Demand(revents == _fed, $"fed {_fed}, called with {revents}");
        Calls++;
        (_fed, _pending) = (Events.None, false);
    }
}
