using System;
using System.Threading;

namespace Mood.Event.Soak;

/// <summary>After the last Send of any thread, the callback is called at least once more.</summary>
internal sealed class AsyncActor : Actor
{
    private readonly Loop _loop;
    private Async _async;
    private int _sent, _seen;

    public AsyncActor(Loop loop, int seed)
        : base(seed)
    {
        _loop = loop;
        _async = Make();
    }

    public override bool IsDone => Volatile.Read(ref _sent) == _seen;

    public override string Owes => $"the last of {_sent} sends, {_seen} seen";

    public override void Act()
    {
        switch (Random.Next(4))
        {
            case 0:
                Send();
                break;
            case 1:
                // Sends on the thread pool while this thread continues. The actor waits for that before it drops the watcher.
                Helpers.Run(Send);
                break;
            case 2:
                Helpers.Wait();
                _async.Stop();
                _async.Start();
                _seen = _sent; // Stop discards the earlier sends
                break;
            default:
                Helpers.Wait();
                _async.Dispose();
                _async = Make();
                _seen = _sent;
                break;
        }
    }

    public override void Dispose()
    {
        Helpers.Wait();
        _async.Dispose();
    }

    private void Send()
    {
        Interlocked.Increment(ref _sent);
        _async.Send();
    }

    private Async Make()
    {
        Async made = _loop.Async(Seen, priority: Random.Next(-2, 3));
        made.Start();
        return made;
    }

    private void Seen(Async async, Events revents)
    {
        Demand(async == _async && revents == Events.Async, "a disposed async was called");
        Calls++;
        _seen = Volatile.Read(ref _sent);
    }
}
