using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// The posted actions of a loop. Producers append inside the gate. The loop takes all items at once and calls them outside
/// the gate. Actions without a state are in one lane. Actions with a state have one lane per type of state. A list of runs keeps
/// the order among the lanes: a run is a number of consecutive items of one lane. So a Post allocates nothing in steady state,
/// only a new piece when the backlog grows.
/// </summary>
internal sealed class PostQueue
{
    private readonly PostLane.Actions _actions = new();
    private readonly Backlog<Run> _runs = new();

    // 1 while a thread is inside the gate. A thread stays there for a few instructions only, and a Monitor would double that
    // time.
    private int _gate;

    // Used inside the gate: the lanes; the last run, which still grows and is not in _runs yet; whether a producer has woken the
    // loop since the last Take; and whether the queue is closed.
    private PostLane?[] _lanes = [];
    private Run _growing;
    private bool _isWoken, _closed;

    // Used by the loop's thread only: the rest of the current run, and the last run of the batch, which comes after those in _runs.
    private Run _current, _final;

    // The number of accepted items, written inside the gate, and the number of called items, written by the loop's thread.
    private int _accepted, _called;

    /// <summary>The result of adding an item.</summary>
    internal enum Answer
    {
        /// <summary>The queue is closed.</summary>
        Refused,

        /// <summary>It is the first item since the last Take: its producer must wake the loop.</summary>
        First,

        /// <summary>It is a later item. The producer of the first item wakes the loop.</summary>
        Further,
    }

    // Whether a batch has begun and is not finished.
    private bool IsInterrupted => _current.Length > 0 || _final.Length > 0 || !_runs.IsFinished;

    /// <summary>Whether there is an item to run. The items that this thread has added always count. The loop's thread
    /// only.</summary>
    internal bool HasWork => IsInterrupted || Volatile.Read(ref _isWoken);

    /// <summary>The number of items that wait for their call. Any thread.</summary>
    internal int Waiting
    {
        get
        {
            int called = Volatile.Read(ref _called); // first: an item is accepted before it is called
            return unchecked(Volatile.Read(ref _accepted) - called);
        }
    }

    /// <summary>The functions of the items that wait. The loop's thread only.</summary>
    internal List<Delegate> ToList()
    {
        var functions = new List<Delegate>(Waiting);
        Enter();

        try
        {
            _actions.CopyTo(functions);

            foreach (PostLane? lane in _lanes)
            {
                lane?.CopyTo(functions);
            }
        }
        finally
        {
            Leave();
        }

        return functions;
    }

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
        int index = PostLane.Number<TState>.Value; // its type initializer must not run inside the gate: it takes locks
        if (index < 0)
        {
            return Add(PostLane.Posted.Call, PostLane.Posted.Of(action, state));
        }

        Enter();

        try
        {
            if (_closed)
            {
                return Answer.Refused;
            }

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

    /// <summary>Refuses further items. The items in the queue stay. False: the queue was closed before.</summary>
    internal bool Close()
    {
        Enter();
        bool before = _closed;
        _closed = true;
        Leave();
        return !before;
    }

    /// <summary>
    /// Runs the rest of an interrupted batch, and then the items that are in the queue now. Items added meanwhile wait for
    /// the next call, so that the loop handles its other events. Throws nothing. The loop's thread only.
    /// </summary>
    /// <returns>Whether items are left, because an exception stopped the loop, or it is being disposed.</returns>
    internal bool RunAll(Loop loop)
    {
        if (RunBatch(loop))
        {
            Take();
            RunBatch(loop);
        }

        return IsInterrupted;
    }

    /// <summary>Runs the items in the queue, and those that are added meanwhile, even after an exception that stops the loop. Throws
    /// nothing. The loop's thread only.</summary>
    /// <param name="loop">The loop.</param>
    /// <param name="max">The maximum number of items. The others stay in the queue.</param>
    internal void RunLast(Loop loop, int max = int.MaxValue)
    {
        StartContext context = StartContext.Capture();

        for (int i = 0; i < max && (IsInterrupted || Take()); i++)
        {
            RunNext(loop, context);
        }
    }

    private void Enter()
    {
        if (Interlocked.CompareExchange(ref _gate, 1, 0) != 0)
        {
            Wait();
        }
    }

    private void Leave() => Volatile.Write(ref _gate, 0);

    // The thread inside the gate may have been preempted. Then this thread yields, and sleeps if yielding does not help.
    private void Wait()
    {
        var spin = default(Uninterrupted.Spin);

        do
        {
            spin.SpinOnce();
        }
        while (Volatile.Read(ref _gate) != 0 || Interlocked.CompareExchange(ref _gate, 1, 0) != 0);

        spin.End();
    }

    // Called before an item is added to this lane. The order is Continue, Add, Count. If memory runs out in between, an empty run
    // is left, which does no harm.
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
        _accepted++;
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

    // Makes the next batch. The last batch must be finished. False: the next one is empty.
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
        StartContext context = StartContext.Capture();

        // read again each time: an item may run the loop, which then runs the rest of the batch and the next one
        while (IsInterrupted)
        {
            if (!loop.MayCall)
            {
                return false;
            }

            RunNext(loop, context);
        }

        return true;
    }

    private void RunNext(Loop loop, StartContext context)
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
        Volatile.Write(ref _called, unchecked(_called + 1)); // the item was counted in _accepted before, so Waiting is never negative
        _current.Lane.RunNext(loop);
        context.Restore();
    }

    /// <summary>A number of consecutive items of one lane.</summary>
    private struct Run
    {
        internal PostLane Lane;
        internal int Length;
    }
}
