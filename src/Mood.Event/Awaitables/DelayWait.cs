using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>The wait of <see cref="Loop.Delay(double, CancellationToken)"/>.</summary>
internal sealed class DelayWait : Wait<Events>
{
    private readonly Timer _timer;
    private bool _isEndless;

    private DelayWait(Loop loop)
        : base(loop, loop.Waits.Delays)
    {
        _timer = loop.Timer(0, 0, OnExpired);
        _timer.Wait = this;
    }

    // A timer's time is finite. So an endless delay starts its timer again whenever it expires.
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

    private void OnExpired(Timer timer, Events revents)
    {
        if (!_isEndless)
        {
            Complete(revents);
        }
        else if (IsWaiting)
        {
            _timer.Set(Endless, 0);
            _timer.Start();
        }
    }
}
