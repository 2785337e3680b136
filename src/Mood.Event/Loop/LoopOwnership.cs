using System;
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
///     |  TryPass            Loop.Callback has thread U call Invoke
///   full(U)                 U is the loop's thread until its Invoke returns
///     |  PassBack
///   full(T)
///     |  Release            also directly from brief(T)
///   free
///     |  Reserve            a LoopThread has made the loop
///   reserved                for a thread that has not begun. Other threads are refused.
///     |  TakeReserved
///   full(T)
/// </code>
/// A struct, and a field of Loop, so that IsHere reads the owner without an indirection.
/// </summary>
internal struct LoopOwnership
{
    // Not the id of any thread, with or without the mark.
    private const int Reserved = int.MinValue;

    // The mark of a brief owner. Managed thread ids are small: the runtime uses the ids of ended threads again.
    private const int BriefMark = 1 << 30;

    // This thread's id, in the place that is fastest to read. 0: the thread has not used any loop. Negative: the thread is inside
    // a reschedule function. A negative value equals no owner, so each member takes its slow path. Only its own thread reads and
    // writes it.
    [ThreadStatic]
    private static int s_thread;

    // How many Loop.Callbacks are on this thread's stack. While this thread is inside the Invoke of another thread's Callback, the value is
    // at least the value of that other thread. Only its own thread reads and writes it.
    [ThreadStatic]
    private static int s_lending;

    // 0: free. A thread's id: full. A thread's id with BriefMark: brief. Reserved.
    // From 0 it changes by compare-and-swap, on any thread. Every other change is a plain write of the owning thread, or of
    // the thread that the owner has passed the loop to.
    private int _owner;

    // The thread that was the loop's full owner last, or made the loop. Null: the loop is reserved. An idle loop can be used from
    // its home thread without waiting for the loop to run. The full owner writes it, any thread reads it. It is
    // not the thread's id, because another thread may get the same id after this thread has ended.
    private volatile Thread? _home;

    // The right to call Invoke inside Loop.Callback. A thread's id: that thread is inside Loop.Callback, and the right can be
    // taken. The negative id: another thread has taken it. 0: no thread is inside Loop.Callback, or its own thread has taken it.
    // The loop's thread sets and clears it. The thread that calls Invoke changes it by compare-and-swap, and sets it back.
    private int _lender;

    /// <summary>Creates the free state of a loop that this thread makes.</summary>
    internal LoopOwnership(Thread home)
    {
        _home = home;
        _owner = 0;
        _lender = 0;
    }

    /// <summary>Whether this thread is inside a reschedule function, of any loop.</summary>
    internal static bool IsRescheduling => s_thread < 0;

    /// <summary>How many Loop.Callbacks, of any loop, this thread is inside. If it is not 0, another thread may take a loop from it at any
    /// moment.</summary>
    internal static int Lending => s_lending;

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

    /// <summary>The owner: 0, or a value for Owns, IsBrief, IsReserved and IdOf.</summary>
    internal int Owner => Volatile.Read(ref _owner);

    /// <summary>Whether this thread was the loop's full owner last, or made it.</summary>
    internal readonly bool IsHome => _home == Thread.CurrentThread;

    /// <summary>The id of the thread inside Loop.Callback, negative while another thread has taken the right to call Invoke, or
    /// 0.</summary>
    internal int Lender => Volatile.Read(ref _lender);

    /// <summary>Whether an owner is this thread, brief or full.</summary>
    internal static bool Owns(int owner, int thread) => (owner & ~BriefMark) == thread;

    /// <summary>The managed id of the owner's thread.</summary>
    internal static int IdOf(int owner) => owner & ~BriefMark;

    /// <summary>Whether an owner is inside a member that ends soon.</summary>
    internal static bool IsBrief(int owner) => owner > BriefMark;

    /// <summary>Whether an owner is a thread that has not begun.</summary>
    internal static bool IsReserved(int owner) => owner == Reserved;

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

    /// <summary>Makes this thread the brief owner of a free loop.</summary>
    /// <returns>0, or the owner that the loop has.</returns>
    internal int TryTake(int thread) => Interlocked.CompareExchange(ref _owner, thread | BriefMark, 0);

    /// <summary>Makes this thread, if it is the brief owner, the full one.</summary>
    internal void Extend(int thread)
    {
        if (Volatile.Read(ref _owner) == (thread | BriefMark))
        {
            _home = Thread.CurrentThread;
            Volatile.Write(ref _owner, thread);
        }
    }

    /// <summary>Makes the loop free. Called by its owner.</summary>
    internal void Release() => Volatile.Write(ref _owner, 0);

    /// <summary>Reserves the loop for a thread that has not begun. No other thread knows the loop yet.</summary>
    internal void Reserve()
    {
        _home = null;
        Volatile.Write(ref _owner, Reserved);
    }

    /// <summary>Makes this thread the full owner of a reserved loop.</summary>
    internal void TakeReserved()
    {
        int thread = EnterThread();
        _home = Thread.CurrentThread;
        Volatile.Write(ref _owner, thread);
    }

    /// <summary>Makes another thread the full owner, in place of the thread inside Loop.Callback.</summary>
    /// <returns>False: the loop is not owned by <paramref name="from"/>.</returns>
    internal bool TryPass(int from, int to) => Interlocked.CompareExchange(ref _owner, to, from) == from;

    /// <summary>Undoes TryPass.</summary>
    internal void PassBack(int from) => Volatile.Write(ref _owner, from);

    /// <summary>Called when this thread has taken the right to call Invoke from a thread that is inside <paramref name="lending"/>
    /// Loop.Callbacks.</summary>
    /// <returns>The argument for <see cref="EndInvoke"/>.</returns>
    internal static int BeginInvoke(int lending)
    {
        int before = s_lending;
        s_lending = Math.Max(before, lending);
        return before;
    }

    internal static void EndInvoke(int before) => s_lending = before;

    /// <summary>Called before Loop.Callback on this thread. From now on, one thread can take the right to call Invoke.</summary>
    /// <returns>The argument for <see cref="EndLending"/>.</returns>
    internal int BeginLending(int thread)
    {
        s_lending++;
        return Interlocked.Exchange(ref _lender, thread);
    }

    /// <summary>Called after Loop.Callback. Waits until the right to call Invoke is returned. Throws nothing.</summary>
    internal void EndLending(int thread, int before)
    {
        var wait = default(Uninterrupted.Spin);

        while (Interlocked.CompareExchange(ref _lender, before, thread) != thread)
        {
            wait.SpinOnce();
        }

        s_lending--;
        wait.End();
    }

    /// <summary>
    /// Takes the right to call Invoke inside Loop.Callback. The first thread that asks gets it. That may be the callback's own thread.
    /// </summary>
    /// <returns>The argument for <see cref="ReturnInvoke"/>, or 0 if the right cannot be taken.</returns>
    /// <exception cref="InvalidOperationException">This thread is inside Loop.Callback, and another thread has the right.</exception>
    internal int TakeInvoke(int thread)
    {
        int lender;

        do
        {
            lender = Lender;

            // Another thread has taken the right, perhaps just now. That thread may not be the owner yet.
            if (lender == -thread)
            {
                throw Error.InvalidOperation_Lent();
            }
        }
        while (lender > 0 && Interlocked.CompareExchange(ref _lender, lender == thread ? 0 : -lender, lender) != lender);

        return Math.Max(lender, 0);
    }

    /// <summary>Returns the right to call Invoke. It must be the last step of the Invoke, because the loop then continues.</summary>
    internal void ReturnInvoke(int lender) => Volatile.Write(ref _lender, lender);
}
