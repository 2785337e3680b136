using System;
using System.Collections.Generic;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Which thread a loop belongs to: the states and their changes. Loop.Claims.cs uses it. There a member claims the loop, waits for another
/// thread, or throws because the thread is wrong. An embedded loop belongs to the thread of the outermost loop around it: see Outermost
/// there.
/// <code>
///   free                    no thread uses the loop
///     |  TryTake
///   brief(T)                thread T is inside a member that calls no user code. Other threads wait for its end.
///     |  Extend             T is about to call user code, which may run for long and may wait for other threads
///   full(T)                 T is inside Start, Run, Invoke or a callback. Other threads are refused.
///     |  Release            also directly from brief(T)
///   free
///     |  Reserve            a LoopThread has made the loop
///   reserved                for a thread that has not begun. Other threads are refused.
///     |  TakeReserved
///   full(T)
/// </code>
/// Inside Loop.Callback, a second thread may call Invoke:
/// <code>
///   full(T)
///     |  Lend               T is about to call Loop.Callback of the loop, or of a loop embedded in it
///   lent(T)                 T may take the loop for a member, and U for its Invoke. Other threads are refused. T and U use a lent loop as any
///     |                     thread uses a free one: TryTake, perhaps Extend, and Release, which makes the loop lent again.
///     |  Unlend             Loop.Callback has ended. T waits for the end of U's Invoke.
///   full(T)
/// </code>
/// A struct, and a field of Loop, so that IsHere reads the owner without an indirection.
/// </summary>
internal struct LoopOwnership
{
    // Not the id of any thread, with or without the mark.
    private const int Reserved = int.MinValue;

    // The marks of a brief owner and of a lender. Managed thread ids are small: the runtime uses the ids of ended threads again.
    private const int BriefMark = 1 << 30, LentMark = 1 << 29;

    // This thread's id, in the place that is fastest to read. 0: the thread has not used any loop. Negative: the thread is inside
    // a reschedule function. A negative value equals no owner, so each member takes its slow path. Only its own thread reads and
    // writes it.
    [ThreadStatic]
    private static int s_thread;

    // How often this thread has become the full owner of a free loop.
    [ThreadStatic]
    private static long s_entered;

    // The threads in whose Loop.Callback this thread is inside an Invoke, the innermost one last. Null: none yet. They wait for this thread.
    [ThreadStatic]
    private static List<int>? s_lenders;

    // 0: free. A thread's id: full. A thread's id with BriefMark: brief, with LentMark: lent. Reserved.
    // From free and lent it changes by compare-and-swap. Every other change is a plain write of the owning thread.
    private int _owner;

    // The value of _owner when no member uses the loop: free or lent. The brief or full owner reads and writes it.
    private int _rest;

    // The thread that has made the free loop its own, and its s_entered then. That thread writes both before it is the full owner. They stay
    // when it lends the loop to others.
    private int _holder;
    private long _entered;

    // The thread that was the loop's full owner last, or made the loop. Null: the loop is reserved. An idle loop can be used from
    // its home thread without waiting for the loop to run. The full owner writes it, any thread reads it. It is
    // not the thread's id, because another thread may get the same id after this thread has ended.
    private volatile Thread? _home;

    /// <summary>Creates the free state of a loop that this thread makes.</summary>
    internal LoopOwnership(Thread home)
    {
        _home = home;
        _owner = 0;
        _rest = 0;
        _holder = 0;
        _entered = 0;
    }

    /// <summary>Whether this thread is inside a reschedule function, of any loop.</summary>
    internal static bool IsRescheduling => s_thread < 0;

    /// <summary>Whether this thread is the full owner and not inside a reschedule function. It is fast: one comparison.</summary>
    internal readonly bool IsHere
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get
        {
            int thread = s_thread;
            return thread == _owner && thread != 0;
        }
    }

    /// <summary>Whether another thread is the full owner.</summary>
    internal bool IsElsewhere => Owner is > 0 and < LentMark and int owner && owner != Environment.CurrentManagedThreadId;

    /// <summary>Whether this thread has lent the loop, and no member uses the loop now. Another thread may take it at any moment.</summary>
    internal readonly bool IsLentHere => s_thread is int thread && thread > 0 && _owner == (thread | LentMark);

    /// <summary>Whether the loop becomes lent, and not free, when its owner releases it. Called by its owner.</summary>
    internal readonly bool IsLentAtRest => _rest != 0;

    /// <summary>Whether this thread has entered this loop before the inner one, in which it is too. Then it also leaves the inner one first. False
    /// if another thread has entered one of the loops, and has lent it.</summary>
    internal readonly bool IsHereAround(in LoopOwnership inner) =>
        IsHere && _holder == s_thread && inner._holder == s_thread && _entered < inner._entered;

    /// <summary>The owner: 0, or a value for Owns, IsBrief, IsLent, IsReserved and IdOf.</summary>
    internal int Owner => Volatile.Read(ref _owner);

    /// <summary>Whether this thread was the loop's full owner last, or made it.</summary>
    internal readonly bool IsHome => _home == Thread.CurrentThread;

    /// <summary>Whether an owner is this thread, brief or full.</summary>
    internal static bool Owns(int owner, int thread) => (owner & ~BriefMark) == thread;

    /// <summary>The managed id of the owner's thread.</summary>
    internal static int IdOf(int owner) => owner & ~(BriefMark | LentMark);

    /// <summary>Whether an owner is inside a member that ends soon.</summary>
    internal static bool IsBrief(int owner) => owner > BriefMark;

    /// <summary>Whether an owner is inside Loop.Callback, and no member uses the loop.</summary>
    internal static bool IsLent(int owner) => owner is > LentMark and < BriefMark;

    /// <summary>Whether an owner is a thread that has not begun.</summary>
    internal static bool IsReserved(int owner) => owner == Reserved;

    /// <summary>Throws what a thread gets that is refused because of an owner.</summary>
    internal static void ThrowRefused(int owner)
    {
        if (IsReserved(owner))
        {
            Error.Throw_NotBegun();
        }

        Error.Throw_WrongThread(IdOf(owner));
    }

    /// <summary>This thread's id, for TryTake. From now on IsHere knows this thread.</summary>
    internal static int EnterThread()
    {
        int thread = Environment.CurrentManagedThreadId;

        if (s_thread == 0)
        {
            s_thread = thread;
        }

        return thread;
    }

    /// <summary>Marks this thread as inside a reschedule function. The result is for <see cref="LeaveReschedule"/>.</summary>
    internal static int EnterReschedule()
    {
        int before = s_thread;
        s_thread = -Environment.CurrentManagedThreadId;
        return before;
    }

    internal static void LeaveReschedule(int before) => s_thread = before;

    /// <summary>Notes that this thread begins an Invoke in the Loop.Callback of another thread.</summary>
    internal static void EnterInvoke(int lender) => (s_lenders ??= []).Add(lender);

    internal static void LeaveInvoke() => s_lenders!.RemoveAt(s_lenders.Count - 1);

    /// <summary>Whether a thread waits, in Loop.Callback, for an Invoke that this thread is inside.</summary>
    internal static bool IsAwaitedBy(Thread thread) => s_lenders?.Contains(thread.ManagedThreadId) == true;

    /// <summary>Makes this thread the brief owner of a loop that is free or lent.</summary>
    /// <returns>False: the owner is not <paramref name="rest"/> any more.</returns>
    internal bool TryTake(int thread, int rest) => Interlocked.CompareExchange(ref _owner, thread | BriefMark, rest) == rest;

    /// <summary>Makes this thread, if it is the brief owner, the full one.</summary>
    internal void Extend(int thread)
    {
        if (Volatile.Read(ref _owner) == (thread | BriefMark))
        {
            Enter(thread);
        }
    }

    /// <summary>Makes the loop free or lent, as it was. Called by its owner.</summary>
    internal void Release() => Volatile.Write(ref _owner, _rest);

    /// <summary>Reserves the loop for a thread that has not begun. No other thread knows the loop yet.</summary>
    internal void Reserve()
    {
        _home = null;
        Volatile.Write(ref _owner, Reserved);
    }

    /// <summary>Makes this thread the full owner of a reserved loop.</summary>
    internal void TakeReserved() => Enter(EnterThread());

    /// <summary>Lends the loop. Called by its full owner.</summary>
    /// <returns>The argument for <see cref="Unlend"/>.</returns>
    internal int Lend(int thread)
    {
        int before = _rest;
        _rest = thread | LentMark;
        Volatile.Write(ref _owner, _rest);
        return before;
    }

    /// <summary>Makes this thread the full owner of the loop that it has lent. Waits until no other thread uses the loop. Throws
    /// nothing.</summary>
    internal void Unlend(int thread, int before)
    {
        var wait = default(Uninterrupted.Spin);

        while (Interlocked.CompareExchange(ref _owner, thread, thread | LentMark) != (thread | LentMark))
        {
            wait.SpinOnce();
        }

        wait.End();
        _home = Thread.CurrentThread;
        _rest = before;
    }

    private void Enter(int thread)
    {
        if (_rest == 0)
        {
            _holder = thread;
            _entered = ++s_entered;
        }

        _home = Thread.CurrentThread;
        Volatile.Write(ref _owner, thread);
    }
}
