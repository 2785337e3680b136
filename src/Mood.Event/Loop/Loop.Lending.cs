using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>Loop.Callback lets another thread call Invoke. LoopOwnership records which thread has the right to call Invoke.</content>
public sealed partial class Loop
{
    // Makes `thread`, which calls Invoke, the owner of this loop and of the loops around it. The lender is the thread inside Callback. It may
    // begin a Start or an Invoke of one of these loops at the same time, and only one of the two threads may continue. So each thread first
    // writes and then reads: this one takes the loops and then reads their _level, and the lender writes _level and then reads the owner
    // (BeginRun). At least one of them sees what the other has written.
    private Loop[] TakeOver(int lender, int thread)
    {
        Loop[] passed = PassOn(lender, thread);
        Interlocked.MemoryBarrier();

        if (!IsLenderRunning())
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

    // Whether the lender has begun, inside Callback, a Start or an Invoke of this loop or of a loop around it. The loops around it are those
    // that embed it now: Callback may have stopped an Embed.
    private bool IsLenderRunning()
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
