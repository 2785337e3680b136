using System;

namespace Mood.Event;

/// <content>Loop.Callback lets another thread call Invoke. LoopOwnership has the states.</content>
public sealed partial class Loop
{
    // Calls Callback. Meanwhile this loop and the loops around it are lent. The thread that calls Invoke takes the outermost loop first. So
    // the outermost loop is lent last: before that, no thread can take an inner loop. After Callback, this thread waits for the outermost loop first.
    private Exception? CallLent(Action<Loop> callback, Loop lent, int thread)
    {
        // Callback may stop the Embed of a loop or start another one, so each loop is remembered here
        Loop? around = lent.Embedder?.Loop;

        if (around is { IsHere: false })
        {
            around = null; // its Start was nested in a callback of this loop and has ended, so this thread does not own it
        }

        Loop? wasLentFor = lent._lentFor;
        lent._lentFor = this;
        int before = lent._ownership.Lend(thread);
        Exception? thrown = around is null ? CallLent(callback) : CallLent(callback, around, thread);
        lent._ownership.Unlend(thread, before);
        lent._lentFor = wasLentFor; // only now: the Invoke of another thread may have called Callback too
        return thrown;
    }

    private Exception? CallLent(Action<Loop> callback)
    {
        StartContext context = StartContext.Capture();

        try
        {
            callback(this);
            return null;
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            return e;
        }
        finally
        {
            context.Restore();
        }
    }

    // Claims the loop for an Invoke, if it is inside Callback, perhaps of another thread. If it is not, or another thread uses it, claims
    // nothing: the claim that follows decides. Brief.
    private Claim ClaimLent()
    {
        Claim claim = default;

        if (_lentFor == this && !IsHere)
        {
            TryTake(atHome: false, out claim, out _, invokes: true);
        }

        return claim;
    }
}
