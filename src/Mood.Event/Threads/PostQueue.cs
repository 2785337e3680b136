using System;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// What other threads want done on the loop's thread. Producers append under the gate; the loop takes all there is at once
/// and works it off without the gate. Actions lie in one lane, and what has a state in one lane per type of state; the order
/// among lanes is kept as runs, so many of one lane, so many of another. So a Post allocates nothing but, now and then, a piece
/// of a backlog.
/// </summary>
internal sealed class PostQueue
{
    private readonly PostLane.Actions _actions = new();
    private readonly Backlog<Run> _runs = new();

    // 1: a thread is inside the gate. It is there for a few instructions, and for those a Monitor takes as long again.
    private int _gate;

    // under the gate: the run that grows, behind those in _runs
    private PostLane?[] _lanes = [];
    private Run _growing;
    private bool _isWoken, _closed;

    // the loop's thread's: what is left of a run, and the last one of the batch, behind those in _runs
    private Run _current, _final;

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

    // whether a batch was begun and not finished
    private bool IsInterrupted => _current.Length > 0 || _final.Length > 0 || !_runs.IsFinished;

    /// <summary>Whether there is anything to run; at least what this thread has added. The loop's thread only.</summary>
    internal bool HasWork => IsInterrupted || Volatile.Read(ref _isWoken);

    /// <summary>Appends an action, from any thread.</summary>
    internal Answer Add(Action action)
    {
        Enter();

        try
        {
            if (_closed)
            {
                return Answer.Refused;
            }

            Continue(_actions);
            _actions.Add(action);
            return Count();
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

            int index = PostLane.Number<TState>.Value;
            PostLane.States<TState> lane = index < _lanes.Length && _lanes[index] is PostLane known
                ? (PostLane.States<TState>)known
                : NewLane<TState>(index);
            Continue(lane);
            lane.Add(action, state);
            return Count();
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
    internal bool RunAll(Loop loop)
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
        var wait = default(QuietWait);

        do
        {
            wait.SpinOnce();
        }
        while (Volatile.Read(ref _gate) != 0 || Interlocked.CompareExchange(ref _gate, 1, 0) != 0);

        wait.End();
    }

    // What follows is of this lane. First this, then the item, then Count: where memory gives out in between, a run of none is
    // left, which harms nobody.
    private void Continue(PostLane lane)
    {
        if (_growing.Lane == lane)
        {
            return;
        }

        if (_growing.Length > 0)
        {
            _runs.Add(_growing);
        }

        _growing = new Run { Lane = lane };
    }

    private Answer Count()
    {
        _growing.Length++;
        bool isFirst = !_isWoken;
        _isWoken = true;
        return isFirst ? Answer.First : Answer.Further;
    }

    private PostLane.States<TState> NewLane<TState>(int index)
    {
        if (index >= _lanes.Length)
        {
            Array.Resize(ref _lanes, Math.Max(index + 1, _lanes.Length * 2));
        }

        var lane = new PostLane.States<TState>();
        _lanes[index] = lane;
        return lane;
    }

    // when the batch is finished: the next one
    private bool Take()
    {
        Enter();
        _runs.Take();
        _actions.Take();

        foreach (PostLane? lane in _lanes)
        {
            lane?.Take();
        }

        (_final, _growing, _isWoken) = (_growing, default, false);
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
        if (_current.Length == 0)
        {
            if (_runs.IsFinished)
            {
                (_current, _final) = (_final, default);
            }
            else
            {
                _current = _runs.Next();
            }
        }

        _current.Length--;
        _current.Lane.RunNext(loop);
    }

    /// <summary>So many items of one lane, one after the other.</summary>
    private struct Run
    {
        internal PostLane Lane;
        internal int Length;
    }
}
