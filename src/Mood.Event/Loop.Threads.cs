using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>One thread at a time.</content>
public sealed partial class Loop
{
    // The thread that uses the loop right now: the one inside Start, or inside any other member outside Start; 0: none.
    // While Loop.Callback has another thread call Invoke, that one.
    private int _runner;

    // The thread that was inside Start last, or made the loop: who calls on an idle loop from there need not wait.
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
    internal bool TryEnter(out Claim claim)
    {
        claim = default;

        if (IsHere)
        {
            return true;
        }

        int thread = Environment.CurrentManagedThreadId;

        // another thread may be inside a member, for a moment; if it is inside Start, this is not the loop's thread any more
        for (var spin = default(SpinWait); ; spin.SpinOnce())
        {
            Loop loop = Outermost;

            if (Volatile.Read(ref loop._runner) == thread)
            {
                return true;
            }

            if (_home != thread || IsClosed)
            {
                return false;
            }

            if (Interlocked.CompareExchange(ref loop._runner, thread, 0) == 0)
            {
                if (loop == Outermost && !IsClosed)
                {
                    LookAtClock();
                    t_thread = t_thread == 0 ? thread : t_thread;
                    claim = new Claim(loop);
                    return true;
                }

                Volatile.Write(ref loop._runner, 0);
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

        while (true)
        {
            Loop loop = Outermost;

            if (Volatile.Read(ref loop._runner) == thread)
            {
                return default;
            }

            int other = Interlocked.CompareExchange(ref loop._runner, thread, 0);

            if (other != 0)
            {
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

        internal Claim(Loop loop) => _loop = loop;

        public void Dispose()
        {
            if (_loop is not null)
            {
                Volatile.Write(ref _loop._runner, 0);
            }
        }
    }
}
