using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>The idle waits of one kind. The pool grows to the largest number of waits that were active at the same
/// time. An idle wait keeps its watcher. An await on a socket takes a wait and its Io out of the pool in
/// <see cref="IoWait{TOperation, TResult}"/>.Begin. If that Io is still active, <see cref="Waits.TryRenew"/> reuses it. After the
/// result was fetched, <see cref="Wait{TResult}"/>.OnIdle puts the wait back.</summary>
/// <remarks>Only the thread that uses the loop takes waits out; any thread puts them in. With one taker at a time, the first
/// wait of the list cannot leave and come back during a take. So this lock-free list has no ABA problem.</remarks>
internal abstract class WaitPool
{
    // the first wait of the list; changed by compare-and-swap only
    private Wait? _first;

    /// <summary>Frees the waits that are in the pool. The loop is claimed.</summary>
    internal void Free()
    {
        while (TakeFirst() is Wait wait)
        {
            wait.Free();
        }
    }

    /// <summary>Puts an idle wait in, on any thread. The caller must not touch the wait afterwards.</summary>
    internal void Add(Wait wait)
    {
        Wait? first;

        do
        {
            first = Volatile.Read(ref _first);
            wait.Next = first;
        }
        while (Interlocked.CompareExchange(ref _first, wait, first) != first);
    }

    /// <summary>Takes a wait out, or returns null. The loop is claimed.</summary>
    private protected Wait? TakeFirst()
    {
        while (Volatile.Read(ref _first) is Wait first)
        {
            if (Interlocked.CompareExchange(ref _first, first.Next, first) == first)
            {
                first.Next = null;
                return first;
            }
        }

        return null;
    }
}

/// <summary>A pool with the type of its waits.</summary>
/// <typeparam name="TWait">The type of every wait that is put in.</typeparam>
internal sealed class WaitPool<TWait> : WaitPool
    where TWait : Wait
{
    /// <summary>Takes a wait out, or returns null. The loop is claimed.</summary>
    internal TWait? Take() => Unsafe.As<TWait?>(TakeFirst()); // a cast to a type parameter costs a look-up
}
