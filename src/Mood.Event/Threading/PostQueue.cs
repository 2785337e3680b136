using System;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// What other threads want done on the loop's thread. Producers append under the gate; the loop takes all there is at once
/// and works it off without the gate. One backlog holds the order of everything: an Action by itself, what has a state
/// as its lane, which knows the actions and states of one type in the same order. So a Post allocates nothing but, now and
/// then, a piece of a backlog.
/// </summary>
internal sealed class PostQueue
{
    private readonly Backlog<object> _works = new();

    // 1: a thread is inside the gate. It is there for a few instructions, and for those a Monitor takes as long again.
    private int _gate;

    // under the gate
    private Lane?[] _lanes = [];
    private bool _closed;

    /// <summary>What became of an item.</summary>
    internal enum Answer
    {
        /// <summary>The queue is closed.</summary>
        Refused,

        /// <summary>It is the first one: the loop has to be woken.</summary>
        First,

        /// <summary>Who brought the first one wakes the loop.</summary>
        Further,
    }

    /// <summary>Whether a batch was begun and not finished. The loop's thread only.</summary>
    internal bool IsInterrupted => !_works.IsFinished;

    /// <summary>Appends an action, from any thread.</summary>
    internal Answer Add(Action action)
    {
        Enter();

        try
        {
            return _closed ? Answer.Refused : AddCore(action);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>Appends an action with its state, from any thread.</summary>
    internal Answer Add<TState>(Action<TState> action, TState state)
    {
        Enter();

        try
        {
            if (_closed)
            {
                return Answer.Refused;
            }

            int index = LaneIndex<TState>.Value;
            Lane? known = index < _lanes.Length ? _lanes[index] : null;
            Lane<TState> lane = known is null ? NewLane<TState>(index) : (Lane<TState>)known;
            lane.Add(action, state);
            return AddCore(lane);
        }
        finally
        {
            Leave();
        }
    }

    /// <summary>From now on everything is refused; what is in the queue stays. False: it was closed before.</summary>
    internal bool Close()
    {
        Enter();
        bool before = _closed;
        _closed = true;
        Leave();
        return !before;
    }

    /// <summary>
    /// Runs what a nested run of the loop interrupted, and then what is in the queue now, but not what comes meanwhile, so that
    /// the loop gets to its other work. Throws nothing. The loop's thread only.
    /// </summary>
    /// <returns>Whether something was left, for the loop was stopped with an exception or disposed.</returns>
    internal bool Run(Loop loop)
    {
        if (RunBatch(loop))
        {
            Take();
            RunBatch(loop);
        }

        return IsInterrupted;
    }

    /// <summary>Runs all that was accepted before Close, whatever happens in there. Throws nothing.</summary>
    internal void RunLast(Loop loop)
    {
        do
        {
            while (IsInterrupted)
            {
                RunNext(loop);
            }
        }
        while (Take());
    }

    private void Enter()
    {
        if (Interlocked.CompareExchange(ref _gate, 1, 0) != 0)
        {
            Wait();
        }
    }

    private void Leave() => Volatile.Write(ref _gate, 0);

    // whoever is inside may have been preempted: then this thread yields, and sleeps if that does not help
    private void Wait()
    {
        var spin = default(SpinWait);

        do
        {
            spin.SpinOnce();
        }
        while (Volatile.Read(ref _gate) != 0 || Interlocked.CompareExchange(ref _gate, 1, 0) != 0);
    }

    private Answer AddCore(object work) => _works.Add(work) ? Answer.First : Answer.Further;

    private Lane<TState> NewLane<TState>(int index)
    {
        if (index >= _lanes.Length)
        {
            Array.Resize(ref _lanes, Math.Max(index + 1, _lanes.Length * 2));
        }

        var lane = new Lane<TState>();
        _lanes[index] = lane;
        return lane;
    }

    // when the batch is finished: the next one
    private bool Take()
    {
        Enter();
        _works.Take();

        foreach (Lane? lane in _lanes)
        {
            lane?.Take();
        }

        Leave();
        return IsInterrupted;
    }

    private bool RunBatch(Loop loop)
    {
        // anew each time: an item may run the loop, and so the rest of the batch and the next one
        while (IsInterrupted)
        {
            if (!loop.MayCall)
            {
                return false;
            }

            RunNext(loop);
        }

        return true;
    }

    private void RunNext(Loop loop)
    {
        object work = _works.Next();

        if (work is not Action action)
        {
            ((Lane)work).RunNext(loop);
            return;
        }

        try
        {
            action();
        }
#pragma warning disable CA1031 // any exception: it is the loop's to decide what becomes of it
        catch (Exception e)
#pragma warning restore CA1031
        {
            loop.OnPostedException(action, e);
        }
    }

    /// <summary>The items of one type of state.</summary>
    private abstract class Lane
    {
        internal abstract void RunNext(Loop loop);

        internal abstract void Take();
    }

    private sealed class Lane<TState> : Lane
    {
        private readonly Backlog<Item> _items = new();

        internal void Add(Action<TState> action, TState state) => _items.Add(new Item { Action = action, State = state });

        internal override void Take() => _items.Take();

        internal override void RunNext(Loop loop)
        {
            Item item = _items.Next();

            try
            {
                item.Action(item.State);
            }
#pragma warning disable CA1031 // any exception: it is the loop's to decide what becomes of it
            catch (Exception e)
#pragma warning restore CA1031
            {
                loop.OnPostedException(item.Action, e);
            }
        }

        private struct Item
        {
            internal Action<TState> Action;
            internal TState State;
        }
    }

    /// <summary>Numbers the types of states.</summary>
    private static class LaneIndex
    {
        private static int s_last = -1;

        internal static int Next() => Interlocked.Increment(ref s_last);
    }

    private static class LaneIndex<TState>
    {
        internal static readonly int Value = LaneIndex.Next();
    }
}
