using Mood.Event;

namespace Tour.Topics;

internal static class Timers
{
    public static void Run()
    {
        using var loop = new Loop();
        loop.Timer(0.1, 0, (_, _) => Say.That("one call, a tenth of a second after Start")).Start();

        int calls = 0;
        loop.Timer(0.15, 0.1, (timer, _) =>
        {
            Say.That($"repeating: call {++calls}");

            if (calls == 3)
            {
                timer.Stop();
            }
        }).Start();

        // An idle timeout: each activity calls Reset, which restarts the timer with Repeat.
        using Timer timeout = loop.Timer(0, 0.25, (timer, _) =>
        {
            Say.That("timeout: a quarter of a second without activity");
            timer.Stop();
        });
        timeout.Reset();

        loop.Timer(0.2, 0, (_, _) =>
        {
            Say.That($"activity, {timeout.Remaining:F2} s before the timeout: reset");
            timeout.Reset();
        }).Start();

        loop.Start();
        Say.That("no timer is left, so Start returns");
    }
}
