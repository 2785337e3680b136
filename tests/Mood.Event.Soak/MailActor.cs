using System.Threading;

namespace Mood.Event.Soak;

/// <summary>
/// A mailbox of a loop, to which the loops of other threads write. Every letter arrives, even if nothing else wakes the loop, and
/// even if other threads stop the loop.
/// </summary>
internal sealed class MailActor : Actor
{
    private readonly Loop _loop;
    private readonly MailActor?[] _neighbours;
    private readonly Async _async;
    private int _letters, _read;

    public MailActor(Loop loop, int seed, MailActor?[] neighbours, int number)
        : base(seed)
    {
        _loop = loop;
        _neighbours = neighbours;
        _async = loop.Async((_, _) =>
        {
            Calls++;
            _read = Volatile.Read(ref _letters);
        });
        _async.KeepAlive = false;
        _async.Start();
        Volatile.Write(ref neighbours[number], this);
    }

    public override bool IsDone => Volatile.Read(ref _letters) == _read;

    public override string Owes => $"{_letters - _read} letters";

    public override void Act()
    {
        int who = Random.Next(_neighbours.Length), what = Random.Next(8), how = Random.Next(3);

        if (Volatile.Read(ref _neighbours[who]) is not MailActor neighbour)
        {
            return; // the other loop's mailbox does not exist yet
        }

        if (what > 0)
        {
            Interlocked.Increment(ref neighbour._letters);
            neighbour._async.Send();
        }
        else if (neighbour != this)
        {
            neighbour._loop.Stop((BreakHow)how);
        }
    }

    public override void Dispose() => _async.Dispose();
}
