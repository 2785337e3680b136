using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>
/// The lifetime of one loop. At random, actors are made, act and are disposed, and the loop runs in between. At the end every expected
/// event must have come.
/// </summary>
internal sealed class Episode(
    int seed, IReadOnlyList<Backends> backends, MailActor?[] neighbours, int number, int[] signals, bool children, Barrier barrier)
{
    private const int Steps = 400;
    private const double Patience = 20;

    private readonly Random _random = new(seed);
    private readonly List<Actor> _actors = [];
    private Loop _loop = null!;
    private Exception? _broken;
    private bool _present = true;

    /// <summary>The number of calls of callbacks.</summary>
    public long Calls { get; private set; }

    public void Run()
    {
        Backends backend = backends[_random.Next(backends.Count)];
        _loop = children ? Loop.GetDefault(LoopFlags.NoEnv, backend) : new Loop(LoopFlags.NoEnv, backend);
        _loop.CallbackException += OnCallbackException;
        _actors.Add(new MailActor(_loop, _random.Next(), neighbours, number));

        for (int i = 0; i < 15; i++)
        {
            _actors.Add(NewActor());
        }

        for (int step = 0; step < Steps; step++)
        {
            Step();
        }

        Leave(); // waits until no other loop writes to the mailbox
        Settle();
    }

    /// <summary>Disposes the loop, either in a callback while its watchers are active, or after its watchers.</summary>
    public void End()
    {
        _actors.ForEach(a => a.Helpers.Wait());

        if (_random.Next(2) == 0)
        {
            bool over = false;
            _loop.Prepare((_, _) =>
            {
                over = true;
                _loop.Dispose();
            }).Start();

            // Every expected event has come, but the functions of schedulers may still fail and end Start.
            while (!over)
            {
                RunLoop(RunFlags.Default);
            }
        }

        _actors.ForEach(Retire);
        _loop.Dispose();
    }

    /// <summary>Waits for the other episodes. Later calls do nothing.</summary>
    public void Leave()
    {
        if (_present)
        {
            _present = false;
            barrier.SignalAndWait();
        }
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
                // The mailbox (the first actor) stays, because the other loops write to it.
                if (who > 0)
                {
                    Retire(_actors[who]);
                    _actors[who] = NewActor();
                }

                break;
            case < 99:
                _loop.Stop((BreakHow)_random.Next(3));
                break;
            default:
                GC.Collect(0);
                break;
        }
    }

    /// <summary>Runs until every expected event has come. Nothing else wakes the loop, so a lost wake would be noticed.</summary>
    private void Settle()
    {
        using Timer limit = _loop.Timer(Patience, 0, [Fatal] (_, _) => throw new SoakException(
            $"{_loop.Backend}: not done after {Patience} s: {string.Join("; ", _actors.Where(a => !a.IsDone).Select(a => a.Owes))}"));
        using Prepare prepare = _loop.Prepare(
            (_, _) =>
            {
                if (_actors.TrueForAll(a => a.IsDone))
                {
                    _loop.Stop();
                }
            },
            priority: Ev.MinPriority);
        prepare.Fatal = true;
        _loop.Now(update: true);
        limit.Start();
        prepare.Start();

        while (!_actors.TrueForAll(a => a.IsDone))
        {
            RunLoop(RunFlags.Default);
        }

        _loop.Verify();
    }

    private void RunLoop(RunFlags flags)
    {
        try
        {
            _loop.Start(flags);
        }
        catch (ExpectedException e) when (_loop.Depth == 0)
        {
            e.Left++;
        }

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
    private Actor NewActor()
    {
        int own = _random.Next();
        return _random.Next(children ? 26 : 24) switch
        {
            0 or 1 or 2 => new TimerActor(_loop, own),
            3 or 4 => new IoActor(_loop, own),
            5 => new AsyncActor(_loop, own),
            6 => new PendingActor(_loop, own),
            7 => new PhaseActor(_loop, own),
            8 or 9 => new SignalActor(_loop, own, signals[own % signals.Length]),
            10 => new PeriodicActor(_loop, own),
            11 => new SchedulerActor(_loop, own),
            12 => new FaultActor(_loop, own),
            13 => new EmbedActor(_loop, own),
            14 => new ForkActor(_loop, own),
            15 => new StatActor(_loop, own),
            16 or 17 => new PostActor(_loop, own),
            18 or 19 => new WaitActor(_loop, own),
            20 => new NestActor(_loop, own),
            21 => new StrayActor(own),
            22 => new MaskActor(own, signals),
            23 => new ClockActor(own),
            _ => new ChildActor(_loop, own),
        };
    }

    private void OnCallbackException(object? sender, CallbackExceptionEventArgs e)
    {
        if (e.Watcher is null && e.Exception is ObjectDisposedException)
        {
            return; // a continuation of an InvokeAsync came after its loop was disposed
        }

        if (e.Exception is not ExpectedException expected)
        {
            _broken ??= new SoakException($"{_loop.Backend}, {e.Watcher?.GetType().Name ?? "posted"}: {e.Exception}");
            return;
        }

        expected.Told++;

        if (expected.Next is not null)
        {
            throw expected.Next;
        }
    }
}
