using System;
using System.Threading;

namespace Mood.Event;

/// <summary>The time and timers of a loop as a TimeProvider, see <see cref="Loop.TimeProvider"/>.</summary>
internal sealed class LoopTimeProvider(Loop loop) : TimeProvider
{
    // a manual clock counts in ticks of TimeSpan
    public override long TimestampFrequency => loop.Clock is null ? base.TimestampFrequency : TimeSpan.TicksPerSecond;

    public override DateTimeOffset GetUtcNow() => loop.Clock?.UtcNow ?? base.GetUtcNow();

    public override long GetTimestamp() =>
        loop.Clock is ManualClock clock ? (long)Math.Round(clock.Elapsed * TimeSpan.TicksPerSecond) : base.GetTimestamp();

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ProviderTimer(loop, Validate.NotNull(callback, nameof(callback)), state);
        bool started;

        try
        {
            started = timer.Change(dueTime, period);
        }
        catch
        {
            timer.Dispose();
            throw;
        }

        if (!started)
        {
            timer.Dispose();

            // If this method throws, the constructor of a PeriodicTimer fails, and its finalizer then ends the process, because it has no timer.
            if (!OrphanedWait.IsPeriodicTimer(state))
            {
                Error.Throw_Disposed(loop);
            }

            OrphanedWait.End(loop, callback, state, Error.ObjectDisposed(loop));
        }

        return timer;
    }
}
