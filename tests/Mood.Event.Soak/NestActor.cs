namespace Mood.Event.Soak;

/// <summary>A callback starts its loop again (an inner run), and a timer stops the inner run. Every inner run ends.</summary>
internal sealed class NestActor(Loop loop, int seed) : Actor(seed)
{
    private const int Deepest = 4;

    private readonly Loop _loop = loop;
    private int _asked, _ended;

    public override bool IsDone => _asked == _ended;

    public override string Owes => $"{_asked - _ended} inner runs";

    public override void Act()
    {
        if (_asked > _ended + 2)
        {
            return;
        }

        _asked++;
        double after = Random.NextDouble() * 0.002;
        bool all = Random.Next(8) == 0;
        _loop.Timer(0, 0, (_, _) => Nest(after, all)).Start();
    }

    public override void Dispose()
    {
    }

    private void Nest(double after, bool all)
    {
        Calls++;
        _ended++; // counted before the run, because another watcher's Stop may end all runs

        if (_loop.Depth > Deepest)
        {
            return;
        }

        // The timer repeats, because a Stop ends the innermost run, which may belong to another NestActor.
        using Timer stop = _loop.Timer(after, 0.001, (_, _) => _loop.Stop(all ? BreakHow.All : BreakHow.One));
        stop.Start();
        uint depth = (uint)_loop.Depth;
        _loop.Start();
        Demand(_loop.Depth == depth, "Depth has changed after an inner run");
    }
}
