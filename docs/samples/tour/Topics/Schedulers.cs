using System;
using Mood.Event;

namespace Tour.Topics;

internal static class Schedulers
{
    public static void Run()
    {
        using var loop = new Loop();

        // the function receives the time and returns the time of the next call
        using Scheduler scheduler = loop.Scheduler(
            (_, now) => (Math.Floor(now / 60) + 1) * 60,
            (s, _) =>
            {
                Say.That("called");
                s.Stop();
            });
        scheduler.Start();
        Say.That($"it is {Say.Clock(loop.Now())}, the next full minute {Say.Clock(scheduler.At)}");

        // this sample does not wait for a minute
        scheduler.Reschedule = (_, now) => now + 0.1;
        scheduler.Reset();
        Say.That($"rescheduled to {Say.Clock(scheduler.At)}");
        loop.Start();
    }
}
