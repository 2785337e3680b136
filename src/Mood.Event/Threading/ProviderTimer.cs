#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A timer of <see cref="LoopTimeProvider"/>, as its user holds it. The loop holds only what is behind it: so one that
/// was dropped without Dispose is collected and stops, as the system's is.
/// </summary>
internal sealed class ProviderTimer : ITimer
{
    private readonly ProviderTimerCore _core;

    internal ProviderTimer(Loop loop, TimerCallback callback, object? state) =>
        _core = new ProviderTimerCore(loop, callback, state);

    ~ProviderTimer() => _core.End();

    public bool Change(TimeSpan dueTime, TimeSpan period)
    {
        bool changed = _core.Change(Milliseconds(dueTime, nameof(dueTime)), Milliseconds(period, nameof(period)));
        GC.KeepAlive(this);
        return changed;
    }

    public void Dispose()
    {
        _core.End();
        GC.SuppressFinalize(this);
    }

    public ValueTask DisposeAsync()
    {
        _core.End();
        GC.SuppressFinalize(this);
        return _core.WhenIdle();
    }

    // The system's timers take whole milliseconds from -1, which is infinite, on. Ours are as precise as TimeSpan, but agree on
    // what is too little or too much.
    private static TimeSpan Milliseconds(TimeSpan time, string parameter)
    {
        long milliseconds = (long)time.TotalMilliseconds;
        ArgumentOutOfRangeException.ThrowIfLessThan(milliseconds, -1, parameter);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(milliseconds, 0xfffffffe, parameter);
        return milliseconds == -1 ? Timeout.InfiniteTimeSpan : time > TimeSpan.Zero ? time : TimeSpan.Zero;
    }
}
#endif
