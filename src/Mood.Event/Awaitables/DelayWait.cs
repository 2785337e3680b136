#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The awaitable of <see cref="Loop.Delay(double, CancellationToken)"/>.</summary>
internal sealed class DelayWait : Wait<Events>
{
    private readonly Timer _timer;
    private bool _isEndless;

    private DelayWait(Loop loop)
        : base(loop) => _timer = loop.Timer(0, 0, OnExpired, data: this);

    // a timer's time is a number: one that never expires is started again and again
    private static double Endless => TimeSpan.FromDays(365).TotalSeconds;

    internal static ValueTask Begin(Loop loop, double seconds, bool isEndless, CancellationToken cancellationToken)
    {
        DelayWait wait = loop.Waits.Delays.Take() ?? new DelayWait(loop);
        wait._isEndless = isEndless;
        wait._timer.Set(isEndless ? Endless : seconds, 0);
        wait._timer.Start();
        wait.Begin(cancellationToken);
        return new ValueTask(wait, wait.Version);
    }

    internal override void Free() => _timer.Dispose();

    private protected override void StopWatching() => _timer.Stop();

    private protected override void OnIdle(bool isSpoilt)
    {
        if (!isSpoilt && !Loop.IsClosed)
        {
            Loop.Waits.Delays.Add(this);
        }
    }

    private void OnExpired(Timer timer, Events revents)
    {
        if (!_isEndless)
        {
            Succeed(revents);
        }
        else if (IsWaiting)
        {
            _timer.Set(Endless, 0);
            _timer.Start();
        }
    }
}
#endif
