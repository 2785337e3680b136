using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>One thread at a time.</content>
public sealed partial class Loop
{
    // no thread has this number, nor its negative
    private const int Nobody = int.MinValue;

    // The thread that uses the loop right now: the one inside Start, or inside any other member outside Start; 0: none;
    // Nobody: it is for a thread that has not begun. While Loop.Callback has another thread call Invoke, that one.
    private int _runner;

    // Counts the beginnings and the ends of visits: it is odd while one is under way.
    private int _visits;

    // The thread that was inside Start, Run or Invoke last, or made the loop: who calls on an idle loop from there need not wait.
    private volatile int _home = Environment.CurrentManagedThreadId;

    // This thread's id where it is found fastest; 0 before it has used any loop; negative inside a reschedule function, so
    // that it is no loop's runner.
    [ThreadStatic]
    private static int t_thread;

    /// <summary>The loop that runs this one: itself, or the outermost loop it is embedded in.</summary>
    private Loop Outermost
    {
        get
        {
            Loop loop = this;

            while (loop.Embedder is Embed embedder)
            {
                loop = embedder.Loop;
            }

            return loop;
        }
    }

    /// <summary>Whether this thread is inside a reschedule function, of whatever loop.</summary>
    internal static bool IsRescheduling => t_thread < 0;

    /// <summary>
    /// Whether this thread is inside this very loop: inside its Start, the usual case, or a member outside Start. One comparison.
    /// </summary>
    internal bool IsHere
    {
        get
        {
            int thread = t_thread;
            return thread == _runner && thread != 0;
        }
    }

    /// <summary>
    /// From here on this thread may change no watcher and no loop. The result is for <see cref="LeaveReschedule"/>.
    /// </summary>
    internal static int EnterReschedule()
    {
        int before = t_thread;
        t_thread = -Environment.CurrentManagedThreadId;
        return before;
    }

    internal static void LeaveReschedule(int before) => t_thread = before;

    /// <summary>
    /// Claims the loop for reading it or its watchers on this thread, until the claim is disposed. In a callback the
    /// thread has it already.
    /// </summary>
    internal Claim Read() => IsHere ? default : ReadCore();

    /// <summary>
    /// Claims the loop if this thread is the one that runs it, or ran it last and nobody does now; otherwise it is to be
    /// waited for. Throws nothing.
    /// </summary>
    internal bool TryEnter(out Claim claim) => TryEnter(isVisit: false, out claim);

    /// <summary>
    /// The same for a moment, in which no code of the user's is called: a thread that wants to run the loop waits for it.
    /// For what any thread may do, and so may not know that the loop is about to run elsewhere.
    /// </summary>
    internal bool TryVisit(out Claim claim) => TryEnter(isVisit: true, out claim);

    /// <summary>Takes the loop away from this thread, for a thread that is about to begin, and says so with TakeOver.</summary>
    internal void GiveAway()
    {
        _home = Nobody;
        Volatile.Write(ref _runner, Nobody);
    }

    /// <summary>This thread is the one that the loop was given away for. It has it until it disposes the claim.</summary>
    internal Claim TakeOver()
    {
        int thread = Environment.CurrentManagedThreadId;
        t_thread = thread;
        _home = thread;
        Volatile.Write(ref _runner, thread);
        return new Claim(this);
    }

    private bool TryEnter(bool isVisit, out Claim claim)
    {
        claim = default;

        if (IsHere)
        {
            return true;
        }

        int thread = Environment.CurrentManagedThreadId;

        // another thread may be inside a member, for a moment; if that calls code of the user's, which may take its time and wait
        // for this thread, this is not the loop's thread any more, or the loop is ending
        for (var spin = default(SpinWait); ; spin.SpinOnce())
        {
            Loop loop = Outermost;

            if (Volatile.Read(ref loop._runner) == thread)
            {
                return true;
            }

            if (_home != thread || IsEnding)
            {
                return false;
            }

            if (isVisit)
            {
                Interlocked.Increment(ref loop._visits); // before anybody can meet the visitor
            }

            bool isMine = Interlocked.CompareExchange(ref loop._runner, thread, 0) == 0;

            if (isMine && loop == Outermost && !IsEnding)
            {
                LookAtClock();
                t_thread = t_thread == 0 ? thread : t_thread;
                claim = new Claim(loop, isVisit);
                return true;
            }

            if (isMine)
            {
                Volatile.Write(ref loop._runner, 0);
            }

            if (isVisit)
            {
                Interlocked.Increment(ref loop._visits);
            }
        }
    }

    /// <summary>Claims the loop for changing it or its watchers.</summary>
    internal Claim Change() => IsHere && !_closing ? default : ChangeCore();

    private Claim ReadCore()
    {
        int thread = Environment.CurrentManagedThreadId;

        if (t_thread == 0)
        {
            t_thread = thread;
        }

        for (var spin = default(SpinWait); ;)
        {
            Loop loop = Outermost;

            if (Volatile.Read(ref loop._runner) == thread)
            {
                return default;
            }

            int visits = Volatile.Read(ref loop._visits);
            int other = Interlocked.CompareExchange(ref loop._runner, thread, 0);

            if (other != 0)
            {
                // whoever is met while this has one and the same even value is no visitor
                if (visits % 2 != 0 || Volatile.Read(ref loop._visits) != visits)
                {
                    spin.SpinOnce();
                    continue;
                }

                if (other == Nobody)
                {
                    Error.Throw_NotBegun();
                }

                Error.Throw_WrongThread(other);
            }

            if (loop == Outermost)
            {
                LookAtClock();
                return new Claim(loop);
            }

            // embedded, or not any more, in this very moment
            Volatile.Write(ref loop._runner, 0);
        }
    }

    private Claim ChangeCore()
    {
        Claim claim = ReadCore();

        if (IsClosed || _closing)
        {
            claim.Dispose();
            Error.Throw_Disposed(this);
        }

        if (IsRescheduling)
        {
            claim.Dispose();
            Error.Throw_Rescheduling();
        }

        return claim;
    }

    // This loop, and those it is embedded in, as far as one thread is inside them: they are another's from now on. The result
    // is what has to be given back, whatever is embedded by then.
    private Loop[] Lend(int from, int to)
    {
        var lent = new List<Loop>();

        for (Loop? loop = this; loop is not null; loop = loop.Embedder?.Loop)
        {
            if (Interlocked.CompareExchange(ref loop._runner, to, from) == from)
            {
                lent.Add(loop);
            }
        }

        return [.. lent];
    }

    /// <summary>
    /// The loop was embedded and is not any more, and it is closing. This thread may be inside it since before that;
    /// otherwise only a member that reads may still have claimed it by itself, for a moment.
    /// </summary>
    private Claim ClaimToClose()
    {
        if (IsHere)
        {
            return default;
        }

        var wait = default(QuietWait);

        while (Interlocked.CompareExchange(ref _runner, Environment.CurrentManagedThreadId, 0) != 0)
        {
            wait.SpinOnce();
        }

        wait.End();

        return new Claim(this);
    }

    /// <summary>The right to use a loop, given back by Dispose.</summary>
    internal readonly ref struct Claim
    {
        private readonly Loop? _loop;
        private readonly bool _isVisit;

        internal Claim(Loop loop, bool isVisit = false)
        {
            _loop = loop;
            _isVisit = isVisit;
        }

        public void Dispose()
        {
            if (_loop is not null)
            {
                Volatile.Write(ref _loop._runner, 0);

                if (_isVisit)
                {
                    Interlocked.Increment(ref _loop._visits);
                }
            }
        }
    }
}
