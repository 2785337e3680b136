using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;

namespace Mood.Event.Soak;

/// <summary>One loop's life: actors come, act and go by the seed, the loop runs in between, and in the end every debt is paid.</summary>
internal sealed class Episode : IDisposable
{
    private const int Steps = 400;
    private const double Patience = 20;

    private readonly Random _random;
    private readonly List<Actor> _actors = [];
    private readonly Loop _loop;
    private Exception? _broken;

    public Episode(int seed, IReadOnlyList<Backends> backends)
    {
        _random = new Random(seed);
        _loop = new Loop(LoopFlags.NoEnv, backends[_random.Next(backends.Count)]);
        _loop.CallbackException += OnCallbackException;
    }

    /// <summary>How many callbacks were called.</summary>
    public long Calls { get; private set; }

    public void Run()
    {
        for (int i = 0; i < 12; i++)
        {
            _actors.Add(NewActor());
        }

        for (int step = 0; step < Steps; step++)
        {
            Step();
        }

        Settle();
    }

    public void Dispose()
    {
        _actors.ForEach(Retire);
        _loop.Dispose();
    }

    private void Step()
    {
        int who = _random.Next(_actors.Count);

        switch (_random.Next(100))
        {
            case < 70:
                _actors[who].Act();
                break;
            case < 90:
                RunLoop(RunFlags.NoWait);
                break;
            case < 93:
                _loop.Timer(0, 0, (_, _) => RunLoop(RunFlags.NoWait)).Start(); // a nested Start
                break;
            case < 95:
                _loop.Verify();
                break;
            case < 97:
                Retire(_actors[who]);
                _actors[who] = NewActor();
                break;
            case < 98:
                _loop.Reset();
                break;
            case < 99:
                _loop.Stop((BreakHow)_random.Next(3));
                break;
            default:
                GC.Collect(0);
                break;
        }
    }

    /// <summary>Runs until every actor has what it is owed.</summary>
    private void Settle()
    {
        double deadline = Ev.Time() + Patience;
        using Timer tick = _loop.Timer(0.001, 0.001, (_, _) => { });
        tick.Start();

        while (_actors.FirstOrDefault(a => !a.IsDone) is Actor actor)
        {
            RunLoop(RunFlags.Once);

            if (Ev.Time() > deadline)
            {
                throw new SoakException($"{_loop.Backend}: not done after {Patience} s: {actor.Owes}");
            }
        }

        _loop.Verify();
    }

    private void RunLoop(RunFlags flags)
    {
        _loop.Start(flags);

        if (_broken is not null)
        {
            throw _broken;
        }
    }

    private void Retire(Actor actor)
    {
        Calls += actor.Calls;
        actor.Dispose();
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private Actor NewActor() => _random.Next(6) switch
    {
        0 or 1 => new TimerActor(_loop, _random),
        2 => new IoActor(_loop, _random),
        3 => new AsyncActor(_loop, _random),
        4 => new PendingActor(_loop, _random),
        _ => new PhaseActor(_loop, _random),
    };

    private void OnCallbackException(object? sender, CallbackExceptionEventArgs e)
    {
        if (e.Exception is not ExpectedException)
        {
            _broken ??= new SoakException($"{_loop.Backend}, {e.Watcher.GetType().Name}: {e.Exception}");
        }
    }
}
