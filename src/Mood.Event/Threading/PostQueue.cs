using System;

namespace Mood.Event;

/// <summary>
/// What other threads want done on the loop's thread. Producers append under the gate; the loop takes all there is at once
/// and works it off without the gate. One array holds the order of everything: an Action by itself, what has a state
/// as its lane, which knows the actions and states of one type in the same order. So a Post allocates nothing but, now and
/// then, a longer array.
/// </summary>
internal sealed class PostQueue
{
    // arrays up to this length are kept however few of it the last batches used
    private const int Kept = 1024;

    private readonly object _gate = new();

    // under the gate
    private object[] _incoming = [];
    private int _count;
    private Lane?[] _lanes = [];
    private bool _closed;

    // the loop's thread's: the batch it works off, from _next to _end
    private object[] _batch = [];
    private int _next, _end;

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
    internal bool IsInterrupted => _next < _end;

    /// <summary>Appends an action, from any thread.</summary>
    internal Answer Add(Action action)
    {
        lock (_gate)
        {
            return _closed ? Answer.Refused : AddCore(action);
        }
    }

    /// <summary>Appends an action with its state, from any thread.</summary>
    internal Answer Add<TState>(Action<TState> action, TState state)
    {
        lock (_gate)
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
    }

    /// <summary>From now on everything is refused; what is in the queue stays. False: it was closed before.</summary>
    internal bool Close()
    {
        lock (_gate)
        {
            bool before = _closed;
            _closed = true;
            return !before;
        }
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

    private Answer AddCore(object work)
    {
        if (_count == _incoming.Length)
        {
            Array.Resize(ref _incoming, Math.Max(16, _count * 2));
        }

        _incoming[_count] = work;
        return _count++ == 0 ? Answer.First : Answer.Further;
    }

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

    // the batch is finished: producers fill its array from now on, unless it has become far too long
    private bool Take()
    {
        bool isSpare = _batch.Length <= Kept || _batch.Length / 4 <= _end;
        object[] empty = isSpare ? _batch : [];

        lock (_gate)
        {
            (_batch, _incoming) = (_incoming, empty);
            (_next, _end, _count) = (0, _count, 0);

            foreach (Lane? lane in _lanes)
            {
                lane?.Take(Kept);
            }
        }

        return _end > 0;
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
        ref object slot = ref _batch[_next++];
        object work = slot;
        slot = null!;

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

        internal abstract void Take(int kept);
    }

    private sealed class Lane<TState> : Lane
    {
        private Item[] _incoming = [], _batch = [];
        private int _count, _next, _end;

        internal void Add(Action<TState> action, TState state)
        {
            if (_count == _incoming.Length)
            {
                Array.Resize(ref _incoming, Math.Max(16, _count * 2));
            }

            _incoming[_count++] = new Item { Action = action, State = state };
        }

        internal override void Take(int kept)
        {
            if (_count == 0)
            {
                return;
            }

            Item[] empty = _batch.Length <= kept || _batch.Length / 4 <= _end ? _batch : [];
            (_batch, _incoming) = (_incoming, empty);
            (_next, _end, _count) = (0, _count, 0);
        }

        internal override void RunNext(Loop loop)
        {
            ref Item slot = ref _batch[_next++];
            Item item = slot;
            slot = default;

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

        internal static int Next() => System.Threading.Interlocked.Increment(ref s_last);
    }

    private static class LaneIndex<TState>
    {
        internal static readonly int Value = LaneIndex.Next();
    }
}
