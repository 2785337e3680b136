using System.Diagnostics;

namespace Mood.Event.Tests;

/// <summary>
/// The monotonic clock and the wall clock of a loop. A test moves both, or only the wall clock, without waiting. The loop must have
/// LoopFlags.NoTimerFd, because a timerfd follows real time, and must be run with RunFlags.NoWait. LoopTestBase.NewTestClockLoop makes one.
/// </summary>
internal sealed class TestClock
{
    private readonly Loop _loop;
    private double _monotonic = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
    private double _realtime = Ev.Time();

    internal TestClock(Loop loop)
    {
        _loop = loop;

        // libev reads the wall clock only every half second of monotonic time. After Pass(1), Now reads it.
        Pass(1);
        loop.Now(update: true);
    }

    /// <summary>The wall clock, seconds since the epoch.</summary>
    internal double Wall => _realtime;

    /// <summary>
    /// Moves both clocks. All moves together must stay below LoopTestBase.Patience, because the loop's watchdog counts them too.
    /// </summary>
    internal void Pass(double seconds)
    {
        _monotonic += seconds;
        Step(seconds);
    }

    /// <summary>Moves the wall clock. The loop notices it after the next Pass of half a second or more.</summary>
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
