using System;
using System.Threading;

namespace Mood.Event;

/// <content>The loop's time: manual clocks, and the time of a loop that does not run.</content>
public sealed partial class Loop
{
    // How many iterations a busy loop may run at one moment of the clock. Then the time moves on, as real time does. Without a
    // limit, an fd that is always ready, or watchers that feed each other, would stop the time for ever.
    private const int BusyRounds = 1000;

    // How many iterations may run at one moment while a timer is always due again. Time cannot move past that timer, so RunTo
    // then throws.
    private const int MaxRounds = 100_000;

    /// <summary>Whether the clock must wake the loop when its time changes: the loop, or the loop around it, may be waiting. Any
    /// thread.</summary>
    internal bool MayWait => (Volatile.Read(ref _starts) > 0 && !IsHere) || Embedder is not null;

    /// <summary>
    /// Runs the loop and advances its clock to a time. The clock stops at the due time of each timer in between. At each stop the
    /// loop runs until it would wait.
    /// </summary>
    internal void RunTo(double end)
    {
        using Claim claim = ClaimToCall();
        using Claim itself = ClaimItself();
        ManualClock clock = Clock!;
        int stops = _stops.Told;
        int rounds = 0;

        // A callback has stopped all Starts. Each Start below would return at once, and nothing would ever be done.
        if (Native.mood_loop_stopped(_native) != 0)
        {
            return;
        }

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

            if (IsEnding || _stops.Told != stops)
            {
                return;
            }
        }
    }

    /// <summary>How many seconds <see cref="Now"/> is behind the clock. It falls behind because callbacks take time. A new timer
    /// counts from <see cref="Now"/>.</summary>
    internal double Lag()
    {
        using Claim claim = ClaimToRead();
        double lag = IsClosed ? 0 : Native.mood_loop_lag(_native);
        GC.KeepAlive(this);
        return Math.Max(lag, 0);
    }

    /// <summary>
    /// Updates the loop's time (ev_now_update) before a timer is started outside Start, where that time may be as old as the last
    /// Start. Inside Start it does nothing: during a callback the time must not change.
    /// </summary>
    internal void UpdateIdleTime()
    {
        if (!IsRunning && _suspensions == 0)
        {
            Native.mood_loop_now_update(_native);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// As UpdateIdleTime, for timers: the time may stay up to 30 us old. Programs start or reset many timers in a row, and
    /// reading the clock costs more than the rest of a start.
    /// </summary>
    internal void UpdateIdleTimeRoughly()
    {
        if (!IsRunning && _suspensions == 0 && Native.mood_loop_stale(_native) != 0)
        {
            Native.mood_loop_now_update(_native);
            GC.KeepAlive(this);
        }
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

    // On a manual clock an idle loop has the clock's time. While a loop runs, its time is that of its iteration.
    private void LookAtClock()
    {
        if (Clock is not null && !IsClosed && _suspensions == 0)
        {
            Native.mood_loop_now_update(_native);
            GC.KeepAlive(this);
        }
    }

    // The full fence between the loop's sign that it runs (_starts) and its reading of the clock. Another thread that moves the
    // clock either sees the sign and wakes the loop, or has moved the clock before the loop reads it.
    private void BeSeenRunning()
    {
        if (Clock is not null)
        {
            Interlocked.MemoryBarrier();
        }
    }
}
