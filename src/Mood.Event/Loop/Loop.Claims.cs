using System;
using System.Collections.Generic;
using System.Threading;

namespace Mood.Event;

/// <content>
/// Claims. Each member claims the loop for its thread while it uses the loop or one of its watchers. LoopOwnership has the
/// states. A brief claim is for a member that calls no user code. A second thread that claims the loop meanwhile waits for its end.
/// A full claim is for a member that calls user code, which may run for long and may wait for other threads. A second thread that
/// claims the loop meanwhile gets an exception.
/// A thread with a brief claim must not wait for the claim of another loop, or two threads could wait for each other. So a
/// member calls ExtendClaim before such a wait, and before it calls user code.
/// </content>
public sealed partial class Loop
{
    /// <summary>Whether this thread is inside a reschedule function, of any loop.</summary>
    internal static bool IsRescheduling => LoopOwnership.IsRescheduling;

    /// <summary>
    /// Whether this thread is inside this loop: in its Start, or in another member that may call user code. One comparison.
    /// </summary>
    internal bool IsHere => _ownership.IsHere;

    /// <summary>As <see cref="IsHere"/>, but true in <see cref="Callback"/> too. There another thread may take the loop at any moment, so the
    /// caller must still claim it.</summary>
    internal bool IsInside => IsHere || _ownership.IsLentHere;

    /// <summary>Whether another thread is inside this loop. For an embedded loop, whose word other threads do not look at otherwise.</summary>
    internal bool IsElsewhere => _ownership.IsElsewhere;

    /// <summary>Whether the claimed loop is lent when the claim ends: this thread is inside a <see cref="Callback"/>.</summary>
    internal bool IsLentAtRest => _ownership.IsLentAtRest;

    /// <summary>Whether this thread, which is inside the inner loop, has entered this one before, and so leaves it later. If this one is lent, it
    /// must be for the Callback of the inner one, so that no other thread takes it for the Invoke of a third loop.</summary>
    internal bool IsHereAround(Loop inner) => _ownership.IsHereAround(in inner._ownership) && (!IsLentAtRest || _lentFor == inner);

    /// <summary>The loop whose owner also owns this loop: this loop itself, or the outermost loop around it.</summary>
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

    /// <summary>
    /// Marks this thread as being inside a reschedule function of this loop. Until <see cref="LeaveReschedule"/> the thread must
    /// not change a watcher or a loop.
    /// </summary>
    /// <returns>The argument for <see cref="LeaveReschedule"/>.</returns>
    internal int EnterReschedule()
    {
        ExtendClaim();
        return LoopOwnership.EnterReschedule();
    }

    internal static void LeaveReschedule(int before) => LoopOwnership.LeaveReschedule(before);

    /// <summary>Claims the loop for reading it or its watchers, disposed or not. Brief.</summary>
    internal Claim ClaimToRead() => IsHere ? default : ClaimToReadCore();

    /// <summary>Claims the loop for a change that is legal on a disposed loop too, such as stopping a watcher. Brief.</summary>
    internal Claim ClaimToSet() => IsHere ? default : ClaimToSetCore();

    /// <summary>Claims the loop for changing it or its watchers. Brief.</summary>
    internal Claim ClaimToChange() => IsHere && !_closing ? default : ClaimToChangeCore();

    /// <summary>Claims the loop for changing it and for calling user code. Full.</summary>
    internal Claim ClaimToCall()
    {
        Claim claim = ClaimToChange();
        ExtendClaim();
        return claim;
    }

    /// <summary>
    /// Claims the loop if this thread may use it at once: it owns the loop, or the loop is idle and this thread is its home.
    /// Otherwise the work must be posted. Throws nothing. Brief.
    /// </summary>
    internal bool TryClaim(out Claim claim)
    {
        if (IsHere)
        {
            claim = default;
            return true;
        }

        return TryTake(atHome: true, out claim, out _);
    }

    /// <summary>As <see cref="TryClaim"/>, for calling user code. Full.</summary>
    /// <param name="claim">The claim of the loop, or of the loop around it.</param>
    /// <param name="itself">See <see cref="ClaimItself"/>.</param>
    internal bool TryClaimToCall(out Claim claim, out Claim itself)
    {
        bool isClaimed = TryClaim(out claim);
        itself = default;

        if (isClaimed)
        {
            ExtendClaim();
            itself = ClaimItself();
        }

        return isClaimed;
    }

    /// <summary>Makes this thread's brief claim, if it has one, a full one. Must be called before user code, and before a wait
    /// for another loop.</summary>
    internal void ExtendClaim()
    {
        if (IsHere)
        {
            return;
        }

        int thread = Environment.CurrentManagedThreadId;

        for (Loop? loop = this; loop is not null; loop = loop.Embedder?.Loop)
        {
            loop._ownership.Extend(thread);
        }
    }

    /// <summary>Reserves the loop for a new thread, which then calls TakeReserved. No other thread knows the loop
    /// yet.</summary>
    internal void Reserve() => _ownership.Reserve();

    /// <summary>Claims the loop that was reserved for this thread. Full.</summary>
    internal Claim TakeReserved()
    {
        _ownership.TakeReserved();
        return new Claim(this);
    }

    /// <summary>Claims this loop itself, even if it is embedded, and the loops between it and the outermost one, which is claimed already. User
    /// code may stop an Embed, and then the claim of the outermost loop does not keep other threads away. Full.</summary>
    internal Claim ClaimItself()
    {
        if (IsHere)
        {
            return default;
        }

        Loop? first = null;
        List<Loop>? others = null;
        ClaimInwards(LoopOwnership.EnterThread(), ref first, ref others);
        return new Claim(first, others);
    }

    // Begins with the outermost loop, so that a loop around another one is entered first and left last: see IsHereAround.
    private void ClaimInwards(int thread, ref Loop? first, ref List<Loop>? others)
    {
        Embedder?.Loop.ClaimInwards(thread, ref first, ref others);

        if (!TryTakeItself(thread, out int owner))
        {
            new Claim(first, others).Dispose();
            LoopOwnership.ThrowRefused(owner);
        }

        if (LoopOwnership.Owns(owner, thread))
        {
            return;
        }

        _ownership.Extend(thread);

        if (first is null)
        {
            first = this;
        }
        else
        {
            (others ??= []).Add(this);
        }
    }

    private Claim ClaimToReadCore()
    {
        if (!TryTake(atHome: false, out Claim claim, out int owner))
        {
            LoopOwnership.ThrowRefused(owner);
        }

        return claim;
    }

    private Claim ClaimToSetCore()
    {
        Claim claim = ClaimToReadCore();

        if (IsRescheduling)
        {
            claim.Dispose();
            Error.Throw_Rescheduling();
        }

        return claim;
    }

    private Claim ClaimToChangeCore()
    {
        Claim claim = ClaimToSetCore();

        if (IsEnding)
        {
            claim.Dispose();
            Error.Throw_Disposed(this);
        }

        return claim;
    }

    // Takes this loop for ClaimItself, unless this thread has it. Waits for the end of a brief claim, which a thread may have that has not noticed
    // yet that the loop is embedded. A loop that another thread has lent is taken too: the outermost loop is already taken from that thread.
    // False: the owner, another thread, has a full claim.
    private bool TryTakeItself(int thread, out int owner)
    {
        var wait = default(Uninterrupted.Spin);
        bool isTaken = true;

        while (true)
        {
            owner = _ownership.Owner;

            if (LoopOwnership.Owns(owner, thread))
            {
                break;
            }

            if (owner == 0 || LoopOwnership.IsLent(owner))
            {
                if (_ownership.TryTake(thread, owner))
                {
                    break;
                }
            }
            else if (!LoopOwnership.IsBrief(owner))
            {
                isTaken = false;
                break;
            }

            wait.SpinOnce();
        }

        wait.End();
        return isTaken;
    }

    // Claims the loop briefly. Waits for the end of another thread's brief claim. False: another thread has a full claim, or has lent the loop and
    // this is not for the Invoke that it is lent for. With atHome also: this thread is neither inside Callback nor the loop's home, or the loop is
    // ending. The outermost loop may be lent while the thread that lends it is still inside this one: then this one is not free either.
    private bool TryTake(bool atHome, out Claim claim, out int owner, bool invokes = false)
    {
        int thread = LoopOwnership.EnterThread();
        var wait = default(Uninterrupted.Spin);
        bool isTaken = true;
        claim = default;

        while (true)
        {
            Loop loop = Outermost;
            owner = loop._ownership.Owner;

            if (loop != this && IsElsewhere)
            {
                (owner, isTaken) = (_ownership.Owner, false);
                break;
            }

            if (LoopOwnership.Owns(owner, thread))
            {
                break;
            }

            bool isLent = LoopOwnership.IsLent(owner) && (LoopOwnership.IdOf(owner) == thread || (invokes && loop._lentFor == this));

            if (atHome && !isLent && !IsIdleAtHome)
            {
                isTaken = false;
                break;
            }

            if (owner == 0 || isLent)
            {
                if (!loop._ownership.TryTake(thread, owner))
                {
                    continue; // another thread was faster
                }

                // another thread may have run, embedded, lent or disposed the loop in between
                if (loop == Outermost && (!atHome || isLent || IsIdleAtHome)
                    && (!isLent || LoopOwnership.IdOf(owner) == thread || loop._lentFor == this))
                {
                    if (!isLent)
                    {
                        LookAtClock();
                    }

                    bool isInvoke = isLent && LoopOwnership.IdOf(owner) != thread;

                    if (isInvoke)
                    {
                        LoopOwnership.EnterInvoke(LoopOwnership.IdOf(owner));
                    }

                    claim = new Claim(loop, isInvoke: isInvoke);
                    break;
                }

                loop._ownership.Release();
            }
            else if (!LoopOwnership.IsBrief(owner))
            {
                isTaken = false;
                break;
            }
            else
            {
                wait.SpinOnce();
            }
        }

        wait.End();
        return isTaken;
    }

    private bool IsIdleAtHome => _ownership.IsHome && !IsEnding;
}
