using System;
using System.Threading;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>Living on a manual clock.</content>
public sealed partial class Loop
{
    // Rounds of a loop that has something to do at one and the same time, before time goes on all the same: its io may never
    // be done, or its watchers always feed each other. In the real world time goes on too.
    private const int BusyRounds = 1000;

    // the same with a timer that is due: time cannot go past it
    private const int MaxRounds = 100_000;

    // how often a Stop has ended a Start
    private int _stops;

#if NET8_0_OR_GREATER
    private LoopTimeProvider? _timeProvider;

    /// <summary>
    /// This loop's time for what takes a provider of it: <c>Task.Delay(time, loop.TimeProvider)</c>,
    /// <c>new CancellationTokenSource(time, loop.TimeProvider)</c>, <c>new PeriodicTimer(time, loop.TimeProvider)</c>. Its
    /// timers are the loop's: their callbacks run on the loop's thread, while it runs, and their exceptions go where those
    /// of watchers go (<see cref="CallbackException"/>). Any thread may make, change and dispose them. They do not keep
    /// <see cref="Start"/> from returning, as .NET's timers keep no program from ending; Run waits for its main and so for
    /// them. With the loop they end, without a call.
    /// <para>
    /// The time is the system's, or that of the loop's <see cref="ManualClock"/>.
    /// </para>
    /// </summary>
    public TimeProvider TimeProvider =>
        _timeProvider ?? Interlocked.CompareExchange(ref _timeProvider, new LoopTimeProvider(this), null) ?? _timeProvider;
#endif

    /// <summary>The loop's time; null: the system's.</summary>
    internal ManualClock? Clock { get; private set; }

    /// <summary>Whether the loop is disposed, or about to be: nothing can be started any more.</summary>
    internal bool IsEnding => _closing || IsClosed;

    /// <summary>Whether the clock must wake the loop when it moves: it may be waiting, itself or inside another one.</summary>
    internal bool MayWait => (Volatile.Read(ref _starts) > 0 && !IsHere) || Embedder is not null;

    /// <summary>
    /// Runs the loop through time up to a moment of its clock: from one due time to the next, and at each of them until
    /// there is nothing more to do.
    /// </summary>
    internal void RunTo(double end)
    {
        using Claim claim = Change();
        ManualClock clock = Clock!;
        int stops = _stops;
        int rounds = 0;

        while (true)
        {
            double due = Native.Due(_native, out bool busy);
            double now = clock.Elapsed;

            if (due > now && (!busy || rounds >= BusyRounds))
            {
                if (due > end && now >= end && rounds > 0)
                {
                    return;
                }

                clock.MoveTo(Math.Min(due, end));
                rounds = 0;
            }
            else if (rounds == MaxRounds)
            {
                throw Error.InvalidOperation_TimeStandsStill(rounds);
            }

            Start(RunFlags.NoWait);
            rounds++;

            if (IsClosed || _closing || _stops != stops)
            {
                return;
            }
        }
    }

    /// <summary>How far the time that new timers count from has fallen behind: callbacks take time too.</summary>
    internal double Lag()
    {
        using Claim claim = Read();
        double lag = IsClosed ? 0 : Native.mood_loop_lag(_native);
        GC.KeepAlive(this);
        return Math.Max(lag, 0);
    }

    private void LiveOn(ManualClock? clock)
    {
        if (clock is not null)
        {
            Clock = clock;
            Native.mood_loop_manual(_native);
            clock.Add(this);
        }
    }

    // Whoever uses a loop that does not run sees the time as it is. While it runs, the time is the iteration's.
    private void LookAtClock()
    {
        if (Clock is not null && !IsClosed && _suspensions == 0)
        {
            Native.mood_loop_now_update(_native);
            GC.KeepAlive(this);
        }
    }

    // either the clock, which moves on another thread, sees that this loop runs, or the loop sees the time that it has moved to
    private void BeSeenRunning()
    {
        if (Clock is not null)
        {
            Interlocked.MemoryBarrier();
        }
    }

    private void CountStop(int how)
    {
        if (how != (int)BreakHow.Cancel)
        {
            _stops++;
        }
    }
}
