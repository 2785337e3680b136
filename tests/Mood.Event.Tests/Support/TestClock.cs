using System.Diagnostics;

namespace Mood.Event.Tests;

/// <summary>
/// A loop's two clocks in the hand of a test: time passes without waiting, and the wall clock can be stepped alone. Made
/// for Start(RunFlags.NoWait), and for loops with LoopFlags.NoTimerFd, whose kernel side would go on living on real time.
/// </summary>
internal sealed class TestClock
{
    private readonly Loop _loop;
    private double _monotonic = Stopwatch.GetTimestamp() / (double)Stopwatch.Frequency;
    private double _realtime = Ev.Time();

    internal TestClock(Loop loop)
    {
        _loop = loop;

        // libev looks at the wall clock only every half second of monotonic time: let it look now
        Pass(1);
        loop.Now(update: true);
    }

    /// <summary>The wall clock, seconds since the epoch.</summary>
    internal double Wall => _realtime;

    /// <summary>
    /// Time passes on both clocks. Stay below LoopTestBase.Patience in all: the loop's watchdog counts these seconds too.
    /// </summary>
    internal void Pass(double seconds)
    {
        _monotonic += seconds;
        Step(seconds);
    }

    /// <summary>Somebody sets the wall clock; the loop sees it with the next Pass of half a second or more.</summary>
    internal void Step(double seconds)
    {
        _realtime += seconds;
        NativeTesting.mood_loop_clock(_loop.Handle.Pointer, 1, _monotonic, _realtime);
    }

    /// <summary>Time passes, and the loop runs once.</summary>
    internal bool Run(double seconds)
    {
        Pass(seconds);
        return _loop.Start(RunFlags.NoWait);
    }
}
