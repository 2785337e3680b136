using System;
using System.Diagnostics;

namespace Mood.Event.Soak;

/// <summary>
/// A loop with a manual clock at extreme times: near 1970, before 1970, and in the far future. The periodic has unusual offsets and
/// intervals. No run takes long, and no due time is in the past.
/// </summary>
internal sealed class ClockActor : Actor
{
    private const double Patience = 10;

    private readonly ManualClock _clock;
    private readonly Loop _inner;
    private readonly Periodic _periodic;
    private readonly Timer _timer;

    public ClockActor(int seed)
        : base(seed)
    {
        _clock = new ManualClock(OddTime());
        _inner = new Loop(LoopFlags.NoEnv, clock: _clock);
        _periodic = _inner.Periodic(0, 1, (_, _) => Calls++);
        _timer = _inner.Timer(1, 1, (_, _) => Calls++);
        Again();
    }

    public override bool IsDone => true;

    public override string Owes => "nothing";

    public override void Act()
    {
        var watch = Stopwatch.StartNew();

        switch (Random.Next(5))
        {
            case 0:
                _clock.SetUtcNow(OddTime());
                break;
            case 1:
                Again();
                break;
            case 2:
                _clock.Advance(_inner, Random.NextDouble() * 20 * _periodic.Interval);
                break;
            default:
                _clock.Advance(Random.NextDouble() * 100);
                break;
        }

        _inner.Start(RunFlags.NoWait);
        Demand(watch.Elapsed.TotalSeconds < Patience, $"a run on a manual clock took {watch.Elapsed} at {_clock.UtcNow:O}");
        Demand(_periodic.At > _inner.Now() - 0.001, $"a periodic is due in the past at {_clock.UtcNow:O}");
    }

    public override void Dispose() => _inner.Dispose();

    private void Again()
    {
        double interval = Random.Next(3) switch { 0 => 0.1, 1 => 3600, _ => 0.3 + Random.NextDouble() };
        _periodic.Stop();
        _periodic.Set(Random.NextDouble() * interval, interval);
        _periodic.Start();
        _timer.Stop();
        _timer.Set(Random.NextDouble(), 1 + Random.NextDouble());
        _timer.Start();
    }

    private DateTimeOffset OddTime() => Random.Next(4) switch
    {
        0 => DateTimeOffset.UnixEpoch.AddSeconds(Random.NextDouble()),
        1 => DateTimeOffset.UnixEpoch.AddSeconds(-Random.NextDouble() * 4e7),
        2 => DateTimeOffset.UnixEpoch.AddSeconds(Random.NextDouble() * 4e8),
        _ => DateTimeOffset.UnixEpoch.AddSeconds(Random.NextDouble() * 4e9),
    };
}
