using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>Loop.Callback lets another thread call Invoke. LoopOwnership records which thread has the right to call Invoke.</content>
public sealed partial class Loop
{
    // Makes `thread`, which calls Invoke, the owner of this loop and of the loops around it. The lender is the thread inside Callback. It may
    // itself begin a Start or an Invoke of one of these loops at the same time, and only one of the two threads may continue. So each
    // thread first writes and then reads. This thread takes the loops, and then looks whether a Start or an Invoke has begun inside Callback.
    // The lender writes _level, and then reads the owner (BeginRun). So at least one of them sees the other.
    private Loop[] TakeOver(int lender, int thread)
    {
        Loop[] passed = PassOn(lender, thread);
        Interlocked.MemoryBarrier();

        if (!IsRunInCallback())
        {
            return passed;
        }

        foreach (Loop loop in passed)
        {
            loop._ownership.PassBack(lender);
        }

        _ownership.ReturnInvoke(lender);
        throw Error.InvalidOperation_LenderRuns();
    }

    // Whether a Start or an Invoke of this loop, or of a loop around it, has begun inside Callback. Callback may have stopped the Embed of this
    // loop: a loop that was around it before does not count.
    private bool IsRunInCallback()
    {
        for (Loop? loop = this; loop is not null; loop = loop.Embedder?.Loop)
        {
            if (Volatile.Read(ref loop._level) >= _lentLevel)
            {
                return true;
            }
        }

        return false;
    }

    // Counts a Start or an Invoke that begins. The result is for EndRun. Inside a Loop.Callback this is the lender's half of the check in
    // TakeOver.
    private int BeginRun(int lender)
    {
        int level = _level;
        _level = LoopOwnership.Lending;

        if (_level > 0)
        {
            Interlocked.MemoryBarrier();
            int owner = Outermost._ownership.Owner;

            if (!LoopOwnership.Owns(owner, Environment.CurrentManagedThreadId))
            {
                _level = level;

                if (lender != 0)
                {
                    _ownership.ReturnInvoke(lender);
                }

                ThrowOwned(owner);
            }
        }

        _depth++;
        return level;
    }

    private void EndRun(int level)
    {
        _depth--;
        _level = level;
    }

    // Passes this loop, and the loops around it that the same thread owns, to another thread. Returns the passed loops. The
    // caller must pass all of them back, even if some are no longer embedded.
    private Loop[] PassOn(int from, int to)
    {
        var passed = new List<Loop>();

        for (Loop? loop = this; loop is not null; loop = loop.Embedder?.Loop)
        {
            if (loop._ownership.TryPass(from, to))
            {
                passed.Add(loop);
            }
        }

        return [.. passed];
    }
}
