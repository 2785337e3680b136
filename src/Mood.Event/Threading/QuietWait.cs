using System.Threading;

namespace Mood.Event;

/// <summary>
/// Waiting for what takes a moment, under native frames that no exception may cross, or in the middle of what must be
/// finished. Thread.Interrupt, which may end any wait, does not end this one: it ends the thread's next one.
/// </summary>
internal struct QuietWait
{
    private SpinWait _spin;
    private bool _interrupted;

    internal void SpinOnce()
    {
        try
        {
            _spin.SpinOnce();
        }
        catch (ThreadInterruptedException)
        {
            _interrupted = true;
        }
    }

    /// <summary>What was waited for is there.</summary>
    internal readonly void End()
    {
        if (_interrupted)
        {
            Thread.CurrentThread.Interrupt();
        }
    }
}
