#if NET8_0_OR_GREATER
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Waits of one kind that a loop is not using: as many as were ever under way at the same time. They are taken by the thread
/// that uses the loop, and come back on any. With one taker at a time the head cannot go and come back under its hands,
/// which is what makes a list without locks this simple.
/// </summary>
/// <typeparam name="TWait">The kind.</typeparam>
internal sealed class WaitPool<TWait>
    where TWait : Wait
{
    private Wait? _first;

    /// <summary>Frees those that are in it. The loop is claimed.</summary>
    internal void Free()
    {
        while (Take() is TWait wait)
        {
            wait.Free();
        }
    }

    /// <summary>Takes one out; null: there is none. The loop is claimed.</summary>
    internal TWait? Take()
    {
        while (Volatile.Read(ref _first) is Wait first)
        {
            if (Interlocked.CompareExchange(ref _first, first.Next, first) == first)
            {
                first.Next = null;
                return (TWait)first;
            }
        }

        return null;
    }

    /// <summary>Puts one in, on any thread.</summary>
    internal void Add(TWait wait)
    {
        Wait? first;

        do
        {
            // once it is in, it is the taker's: nothing of it may be looked at
            first = Volatile.Read(ref _first);
            wait.Next = first;
        }
        while (Interlocked.CompareExchange(ref _first, wait, first) != first);
    }
}
#endif
