using System;
using System.Runtime.CompilerServices;
using System.Threading;

namespace Mood.Event;

/// <summary>
/// Measures one loop. The owner of the loop calls every member, except those marked "any thread". A walk of pending events
/// reads the clock (Ticks) once, and once more after each callback: the end of a callback is the beginning of the next one.
/// </summary>
internal sealed class CallbackGauge
{
    // The shortest threshold of the watchdog, which looks at most every 5 ms.
    private static readonly TimeSpan s_shortest = TimeSpan.FromMilliseconds(10);

    private readonly Loop _loop;

    // In ticks. Callbacks that take longer than _slow raise SlowCallback; long.MaxValue: off. A callback longer than _limit takes
    // the slow path: it is the longest so far, or it is slow.
    private readonly long _slow;
    private long _limit;

    // The sums, in ticks. Written by the owner only.
    private long _events, _busy, _idle, _longest, _lag, _worst;

    // The tick at which the running callback began; 0: no walk. Any thread reads it.
    private long _start;

    // The watcher (or the delegate of a post) of the running callback, and the awaiter that it resumes. Written only with a
    // watchdog or SlowCallback. Any thread reads them.
    private object? _current, _waiter;

    // The tick at which the last walk ended, or Start began; the tick at which the outermost walk began.
    private long _end, _begun;
    private int _walks;

    // Odd while the owner writes _published. A reader tries again until it has seen the same even number twice.
    private int _version;
    private Sums _published;

    internal CallbackGauge(Loop loop, TimeSpan slow, TimeSpan blocked)
    {
        _loop = loop;
        _slow = slow > TimeSpan.Zero ? Ticks.From(slow) : long.MaxValue;
        Blocked = blocked > TimeSpan.Zero ? Ticks.From(blocked > s_shortest ? blocked : s_shortest) : 0;
        NeedsNames = slow > TimeSpan.Zero || Blocked > 0;
        _end = Ticks.Now;
    }

    /// <summary>The watchdog's threshold in ticks, or 0.</summary>
    internal long Blocked { get; }

    internal Loop Loop => _loop;

    /// <summary>Whether a walk has begun. False in two cases in which actions run: in Dispose, which has no walk, and in a walk
    /// that began before the measuring.</summary>
    internal bool IsInWalk => _walks > 0;

    private bool NeedsNames { get; }

    /// <summary>Called when the outermost Start begins, so that the time since the last Start does not count as idle
    /// time.</summary>
    internal void Resume()
    {
        if (_walks == 0)
        {
            _end = Ticks.Now;
        }
    }

    /// <summary>Begins a walk.</summary>
    /// <returns>The argument for <see cref="End"/>.</returns>
    internal (long Start, object? Current, object? Waiter) Begin()
    {
        (long, object?, object?) outer = (_start, _current, _waiter);
        long now = Ticks.Now;

        if (_walks++ == 0)
        {
            _idle += Math.Max(0, now - _end);
            _begun = now;
        }

        _current = null;
        Volatile.Write(ref _start, now);
        return outer;
    }

    /// <summary>Called before a callback.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void Before(Watcher watcher)
    {
        if (NeedsNames)
        {
            _waiter = watcher.Waiter;
            Volatile.Write(ref _current, watcher);
        }
    }

    /// <summary>Called before a posted action.</summary>
    internal void Before(Delegate action)
    {
        _waiter = null;
        Volatile.Write(ref _current, action);
    }

    /// <summary>Called when the running posted action resumes an async method.</summary>
    /// <param name="continuation">The delegate that resumes it, whose target is the state machine.</param>
    internal void Resumes(object? continuation)
    {
        if (NeedsNames)
        {
            Volatile.Write(ref _waiter, (continuation as Delegate)?.Target ?? continuation);
        }
    }

    /// <summary>Called after a callback or a posted action.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    internal void After()
    {
        long now = Ticks.Now, took = now - _start;
        Volatile.Write(ref _start, now);
        _events++;

        if (took > _limit)
        {
            OnLong(took);
        }
    }

    /// <summary>Ends a walk.</summary>
    internal void End((long Start, object? Current, object? Waiter) outer)
    {
        if (--_walks == 0)
        {
            _end = _start;
            long lag = Math.Max(0, _end - _begun);
            _busy += lag;
            _lag = lag;
            _worst = Math.Max(_worst, lag);
            Publish();
            _loop.OnMeasured(lag);
        }

        _current = outer.Current;
        _waiter = outer.Waiter;
        Volatile.Write(ref _start, outer.Start);
    }

    /// <summary>The sums at the end of the last walk. Any thread.</summary>
    internal Sums Read()
    {
        var spin = default(SpinWait);

        while (true)
        {
            int version = Volatile.Read(ref _version);
            Sums sums = _published;
            Thread.MemoryBarrier();

            if ((version & 1) == 0 && version == Volatile.Read(ref _version))
            {
                return sums;
            }

            spin.SpinOnce();
        }
    }

    /// <summary>The running callback, if it has run for longer than the watchdog's threshold. The watchdog's thread.</summary>
    /// <param name="known">The start of the callback that was reported last.</param>
    internal SlowCallbackEventArgs? LookAt(ref long known)
    {
        long start = Volatile.Read(ref _start);
        object? current = Volatile.Read(ref _current), waiter = Volatile.Read(ref _waiter);

        if (start == 0 || start == known || current is null || Ticks.Now - start < Blocked || Volatile.Read(ref _start) != start)
        {
            return null;
        }

        known = start;
        return Args(current, waiter, Ticks.Now - start);
    }

    private static SlowCallbackEventArgs Args(object? current, object? waiter, long took)
    {
        var watcher = current as Watcher;
        string method = MethodName.OfWaiter(waiter)
            ?? (watcher is null ? MethodName.Of(current as Delegate)
                : watcher.IsInternal ? MethodName.Continuation : MethodName.Of(watcher.CallbackMethod));
        return new SlowCallbackEventArgs(watcher is { IsInternal: false } ? watcher : null, method, Ticks.Span(took));
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void OnLong(long took)
    {
        _longest = Math.Max(_longest, took);
        _limit = Math.Min(_longest, _slow);

        if (took > _slow)
        {
            _loop.OnSlow(Args(_current, _waiter, took));
            Volatile.Write(ref _start, Ticks.Now); // the time of the handler must not count for the next callback
        }
    }

    private void Publish()
    {
        Volatile.Write(ref _version, _version + 1);
        Thread.MemoryBarrier();
        _published = new Sums
        {
            Iterations = _loop.IterationOfOwner,
            Events = _events,
            Busy = _busy,
            Idle = _idle,
            Longest = _longest,
            Lag = _lag,
            Worst = _worst,
        };
        Volatile.Write(ref _version, _version + 1);
    }

    internal struct Sums
    {
        internal long Iterations, Events, Busy, Idle, Longest, Lag, Worst;
    }
}
