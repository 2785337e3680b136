using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Three loops, each embedded in the one before. Random operations are done on them, outside and inside callbacks. While the outermost loop
/// runs, each event that is due must be called, and none may come so late that only a timer brings it.
/// </summary>
public sealed class EmbedRandomTests : FdTestBase
{
    private const int Depth = 3, Episodes = 250, Checks = 5;

    private readonly List<string> _log = [];
    private readonly bool[] _hasByte = new bool[Depth], _isSent = new bool[Depth];
    private Random _random = null!;
    private Loop[] _loops = null!;
    private Embed[] _embeds = null!;
    private Async[] _asyncs = null!;
    private Io[] _ios = null!;
    private int[] _writers = null!;
    private int _due, _called, _nesting;
    private bool _checks;

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Each_event_of_a_loop_in_a_loop_in_a_loop_is_called_in_time(Backends backend)
    {
        for (int seed = 1; seed <= Episodes; seed++)
        {
            Make(seed, backend);

            for (int check = 0; check < Checks; check++)
            {
                for (int operations = _random.Next(1, 8); operations > 0; operations--)
                {
                    Operate(inCallback: false);
                }

                foreach (Embed embed in _embeds.Where(e => !e.IsActive))
                {
                    embed.Start();
                }

                Check($"seed {seed}");
            }

            foreach (Loop loop in _loops)
            {
                loop.Dispose();
            }
        }
    }

    private void Make(int seed, Backends backend)
    {
        _random = new Random(seed);
        _log.Clear();
        _hasByte.AsSpan().Clear();
        _isSent.AsSpan().Clear();
        (_due, _called) = (0, 0);
        _loops = [NewLoop(backend), NewLoop(Backends.Epoll), NewLoop(Backends.Epoll)];
        _embeds = [_loops[0].Embed(_loops[1]), _loops[1].Embed(_loops[2])];
        (int Read, int Write)[] pipes = [NewPipe(), NewPipe(), NewPipe()];
        _writers = [.. pipes.Select(p => p.Write)];
        _asyncs = [.. _loops.Select((loop, i) => loop.Async((_, _) => Called(ref _isSent[i])))];
        _ios = [.. _loops.Select((loop, i) => loop.Io(pipes[i].Read, Events.Read, (io, _) =>
        {
            Posix.Read(io.Fd);
            Called(ref _hasByte[i]);
        }))];

        for (int i = 0; i < Depth; i++)
        {
            _asyncs[i].Start();
            _ios[i].Start();
        }
    }

    // Runs the outermost loop until all events that are due have been called.
    private void Check(string seed)
    {
        bool isLate = false;
        using Timer limit = _loops[0].Timer(5, 0, (_, _) =>
        {
            isLate = true;
            _loops[0].Stop();
        });
        limit.Start();
        _checks = true;

        while (_called < _due && !isLate)
        {
            _loops[0].Start();
        }

        _checks = false;
        Assert.False(isLate, $"{seed}: {_called} of {_due} events: {string.Join(", ", _log)}");

        foreach (Loop loop in _loops)
        {
            loop.Verify();
        }
    }

    private void Operate(bool inCallback)
    {
        int i = _random.Next(Depth), kind = _random.Next(10);
        _log.Add($"{kind} of {i}");

        switch (kind)
        {
            case 0 or 1:
                Expect(ref _isSent[i]);
                _asyncs[i].Send();
                break;
            case 2:
                _due++;
                _loops[i].Post(Called);
                break;
            case 3:
                _loops[i].Reset();
                break;
            case 4 when Expect(ref _hasByte[i]):
                Posix.Write(_writers[i]);
                break;
            case 5:
                _ios[i].Stop();
                _ios[i].Start();
                break;
            case 6 when !inCallback && i < _embeds.Length:
                if (_embeds[i].IsActive)
                {
                    _embeds[i].Stop();
                }
                else
                {
                    _embeds[i].Start();
                }

                break;
            case 7:
                _loops[i].Start(RunFlags.NoWait);
                break;
            case 8:
                _due++;
                _loops[i].Idle((_, _) => Called()).Feed(Events.Custom);
                break;
            case 9 when i < _embeds.Length:
                _embeds[i].Sweep();
                break;
        }
    }

    // An event that is due already comes once only.
    private bool Expect(ref bool isDue)
    {
        bool isNew = !isDue;
        _due += isNew ? 1 : 0;
        isDue = true;
        return isNew;
    }

    private void Called(ref bool isDue)
    {
        isDue = false;
        Called();
    }

    private void Called()
    {
        if (_nesting < 3 && _random.Next(3) == 0)
        {
            _nesting++;
            Operate(inCallback: true);
            _nesting--;
        }

        if (++_called >= _due && _checks)
        {
            _loops[0].Stop(BreakHow.All);
        }
    }
}
