using System;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>
/// After the last signal, each active watcher of the signal is called at least once more. The signal belongs to this loop, so a watcher of
/// another loop is refused.
/// </summary>
internal sealed class SignalActor : Actor
{
    private readonly Loop _loop;
    private readonly int _signum;
    private readonly Signal _second;
    private Signal _first;
    private int _sent, _seen, _seenBySecond;

    public SignalActor(Loop loop, int seed, int signum)
        : base(seed)
    {
        _loop = loop;
        _signum = signum;
        _first = Make();
        _second = loop.Signal(signum, (_, _) =>
        {
            Calls++;
            _seenBySecond = Volatile.Read(ref _sent);
        });
    }

    public override bool IsDone
    {
        get
        {
            int sent = Volatile.Read(ref _sent);
            return sent == _seen && (sent == _seenBySecond || !_second.IsActive);
        }
    }

    public override string Owes => $"the last of {_sent} signals {_signum}, {_seen} and {_seenBySecond} seen";

    public override void Act()
    {
        switch (Random.Next(8))
        {
            case 0:
                Send(Posix.Raise);
                break;
            case 1:
                Helpers.Run(() => Send(Posix.Raise));
                break;
            case 2:
                Send(Ev.FeedSignal);
                break;
            case 3:
                Send(_loop.FeedSignalEvent);
                break;
            case 4:
                // If the second watcher is active, this is not the last Stop of the signal.
                Helpers.Wait();
                _first.Stop();
                _first.Start();
                _seen = _sent;
                break;
            case 5:
                Helpers.Wait();
                _first.Dispose();
                _first = Make();
                _seen = _sent;
                break;
            case 6:
                Helpers.Wait();

                if (_second.IsActive)
                {
                    _second.Stop();
                }
                else
                {
                    _second.Start();
                }

                _seenBySecond = _sent;
                break;
            default:
                using (var other = new Loop(LoopFlags.NoEnv))
                {
                    using Signal refused = other.Signal(_signum, (_, _) => { });
                    CheckRefused(refused);
                }

                break;
        }
    }

    public override void Dispose()
    {
        Helpers.Wait();
        _first.Dispose();
        _second.Dispose();
    }

    private static void CheckRefused(Signal signal)
    {
        try
        {
            signal.Start();
        }
        catch (EventException)
        {
            Demand(!signal.IsActive, "a refused signal watcher is active");
            return;
        }

        Demand(false, "two loops own a signal");
    }

    private void Send(Action<int> how)
    {
        Interlocked.Increment(ref _sent);
        how(_signum);
    }

    private Signal Make()
    {
        Signal made = _loop.Signal(_signum, Seen, priority: Random.Next(-2, 3));
        made.Start();
        return made;
    }

    private void Seen(Signal signal, Events revents)
    {
        Demand(signal == _first && revents == Events.Signal, "a disposed signal watcher was called");
        Calls++;
        _seen = Volatile.Read(ref _sent);
    }
}
