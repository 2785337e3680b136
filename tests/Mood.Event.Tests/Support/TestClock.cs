using System.Diagnostics;

namespace Mood.Event.Tests;

/// <summary>
/// The two clocks of a loop, which a test moves: both without waiting, or the wall clock alone. It works with
/// Start(RunFlags.NoWait), and for loops with LoopFlags.NoTimerFd, because a timerfd would follow real time
/// (LoopTestBase.NewTestClockLoop).
/// </summary>
internal sealed class TestClock
{
    private readonly Loop _loop;
    private double _monotonic = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
    private double _realtime = Ev.Time();

    internal TestClock(Loop loop)
    {
        _loop = loop;

        // libev reads the wall clock only every half second of monotonic time. This makes it read the clock now.
        Pass(1);
        loop.Now(update: true);
    }

    /// <summary>The wall clock, seconds since the epoch.</summary>
    internal double Wall => _realtime;

    /// <summary>
    /// Moves both clocks. The sum must stay below LoopTestBase.Patience, because the loop's watchdog counts these seconds too.
    /// </summary>
    internal void Pass(double seconds)
    {
        _monotonic += seconds;
        Step(seconds);
    }

    /// <summary>Sets the wall clock. The loop notices it after the next Pass of half a second or more.</summary>
    internal void Step(double seconds)
    {
        _realtime += seconds;
        NativeTesting.mood_loop_clock(_loop.Handle.Pointer, 1, _monotonic, _realtime);
    }

    /// <summary>Moves both clocks and runs the loop once.</summary>
    internal bool Run(double seconds)
    {
        Pass(seconds);
        return _loop.Start(RunFlags.NoWait);
    }
}
