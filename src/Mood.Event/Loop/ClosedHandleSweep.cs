using System;
using System.Threading;

namespace Mood.Event;

/// <summary>Makes loops check for handles that were closed while an Io watches them.</summary>
/// <remarks>
/// <para>
/// The kernel forgets a closed fd without an event, and a SafeHandle raises no event when it is closed. So a background thread of
/// the process looks at the handles of every loop that has such an Io, about twice a second. If one is closed, the thread posts a
/// sweep (<see cref="Loop"/>.Sweep) to the loop. The thread exists only while there is such a loop.
/// </para>
/// <para>
/// It is not a timer of the loop, because timers of a loop on a <see cref="ManualClock"/> do not expire by themselves, and timers
/// of an embedded loop do not run. It is not a timer of the runtime, because those need a free thread of the pool.
/// </para>
/// </remarks>
internal static class ClosedHandleSweep
{
    private const int PeriodMilliseconds = 400;

    // The loops that were added since the sweep's thread last took the list. Pushed by the loops' threads.
    private static Request? s_requests;

    // 1 while the sweep's thread exists. Set by the thread that starts it. The sweep's thread clears it at its end.
    private static int s_isRunning;

    /// <summary>Adds a loop that is not in the list. The sweep's thread removes it when its AskForSweep returns false, or when the garbage
    /// collector has collected it.</summary>
    internal static void Add(Loop loop)
    {
        var request = new Request(new WeakReference<Loop>(loop));

        do
        {
            request.Next = Volatile.Read(ref s_requests);
        }
        while (Interlocked.CompareExchange(ref s_requests, request, request.Next) != request.Next);

        if (Interlocked.Exchange(ref s_isRunning, 1) == 0)
        {
            StartThread();
        }
    }

    private static void StartThread()
    {
        try
        {
            BackgroundThread.Start(new Thread(Run) { IsBackground = true, Name = "Mood.Event handles" });
        }
        catch (Exception e) when (e is OutOfMemoryException or ThreadStartException)
        {
            // no thread can be created now; the next Add tries again
            Volatile.Write(ref s_isRunning, 0);
        }
    }

    private static void Run()
    {
        Request? listed = null;

        do
        {
            Thread.Sleep(PeriodMilliseconds);
            listed = Sweep(Interlocked.Exchange(ref s_requests, null), Sweep(listed, null));
        }
        while (listed is not null || !TryEnd());
    }

    // Calls AskForSweep of each loop, and puts the loops that stay listed before `kept`. It links the same Requests again and allocates none,
    // because an OutOfMemoryException on this thread would end the process. It is a method of its own, so that no local of Run keeps a loop
    // alive while the thread sleeps.
    private static Request? Sweep(Request? first, Request? kept)
    {
        while (first is Request request)
        {
            first = request.Next;

            if (request.Loop.TryGetTarget(out Loop? loop) && loop.AskForSweep())
            {
                request.Next = kept;
                kept = request;
            }
        }

        return kept;
    }

    // Once s_isRunning is cleared, an Add starts a new thread. A loop that was added before that must be found here.
    private static bool TryEnd()
    {
        Interlocked.Exchange(ref s_isRunning, 0);
        return Volatile.Read(ref s_requests) is null || Interlocked.Exchange(ref s_isRunning, 1) != 0;
    }

    private sealed class Request(WeakReference<Loop> loop)
    {
        internal WeakReference<Loop> Loop { get; } = loop;

        internal Request? Next { get; set; }
    }
}
