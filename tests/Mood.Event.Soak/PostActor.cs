using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>Every posted action runs once, the actions of one thread run in order, and the task of every call ends.</summary>
internal sealed class PostActor : Actor
{
    private readonly Loop _loop;
    private int _posted, _ran, _asked, _ended, _own, _ownSeen;

    public PostActor(Loop loop, int seed)
        : base(seed) => _loop = loop;

    public override bool IsDone =>
        Volatile.Read(ref _posted) == Volatile.Read(ref _ran) && Volatile.Read(ref _asked) == Volatile.Read(ref _ended);

    public override string Owes => $"{_posted - _ran} posted actions, {_asked - _ended} tasks";

    public override void Act()
    {
        switch (Random.Next(6))
        {
            case 0:
                PostInOrder();
                break;
            case 1:
                Helpers.Run(() => Post(3));
                break;
            case 2:
                Post(Random.Next(1, 200));
                break;
            case 3:
                Count(_loop.InvokeAsync(() => Ran(this)));
                break;
            case 4:
                Helpers.Run(() => Count(_loop.InvokeAsync(LaterAsync)));
                break;
            default:
                Interlocked.Add(ref _posted, 2);
                _loop.Post(
                    static actor =>
                    {
                        Ran(actor);
                        actor._loop.Post(Ran, actor); // runs in a later iteration
                    },
                    this);
                break;
        }
    }

    public override void Dispose() => Helpers.Wait();

    private static void Ran(PostActor actor)
    {
        actor.Calls++;
        Interlocked.Increment(ref actor._ran);
    }

    private void Post(int times)
    {
        for (int i = 0; i < times; i++)
        {
            Interlocked.Increment(ref _posted);
            _loop.Post(Ran, this);
        }
    }

    private void PostInOrder()
    {
        Interlocked.Increment(ref _posted);
        int number = ++_own;
        _loop.Post(
            item =>
            {
                Demand(item.number == ++item.Actor._ownSeen, "the actions that one thread posted ran out of order");
                Ran(item.Actor);
            },
            (Actor: this, number));
    }

    private async Task LaterAsync()
    {
        int thread = Environment.CurrentManagedThreadId;
        await Task.Yield();
        Demand(thread == Environment.CurrentManagedThreadId, "the continuation of an await ran on another thread");
        Ran(this);
    }

    private void Count(Task task)
    {
        Interlocked.Increment(ref _posted);
        Interlocked.Increment(ref _asked);
        task.ContinueWith(
            task =>
            {
                // A failed call is not counted as ended, so it remains an expected event.
                if (task.IsCompletedSuccessfully)
                {
                    Interlocked.Increment(ref _ended);
                }

                _loop.TryPost(static () => { }); // wakes the loop, which may wait for this end
            },
            CancellationToken.None,
            TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
    }
}
