using System;
using System.Threading;

namespace Mood.Event;

/// <content>The loop's TimeProvider.</content>
public sealed partial class Loop
{
    // Made on first use by any thread, by compare-and-swap; never replaced.
    private LoopTimeProvider? _timeProvider;

    /// <summary>
    /// A <see cref="System.TimeProvider"/> whose timers are timers of this loop: for <c>Task.Delay(time, loop.TimeProvider)</c>,
    /// <c>new CancellationTokenSource(time, loop.TimeProvider)</c>, <c>new PeriodicTimer(time, loop.TimeProvider)</c>. Its time
    /// is the system's, or that of the loop's <see cref="ManualClock"/>. Any thread.
    /// </summary>
    /// <remarks>
    /// Any thread may make, change and dispose its timers. Their callbacks run on the loop's thread, while the loop runs. Their
    /// exceptions go to <see cref="CallbackException"/>, as those of watchers do. The timers do not keep <see cref="Start"/> from
    /// returning. When the loop is disposed they stop, and their callbacks are not called any more. Then a Task.Delay or
    /// Task.WaitAsync that waits for one of them fails with an <see cref="ObjectDisposedException"/>, WaitForNextTickAsync of a
    /// PeriodicTimer returns false, and a CancellationTokenSource is cancelled.
    /// </remarks>
    public TimeProvider TimeProvider =>
        _timeProvider ?? Interlocked.CompareExchange(ref _timeProvider, new LoopTimeProvider(this), null) ?? _timeProvider;
}
