using System;
using Mood.Event;

namespace Tour.Topics;

internal static class Periodics
{
    public static void Run()
    {
        using var loop = new Loop();
        int calls = 0;

        // Unlike a Timer, a Periodic follows the wall clock. It expires at every full quarter of a second, even after the clock was set.
        using Periodic quarter = loop.Periodic(0, 0.25, (periodic, _) =>
        {
            Say.That($"a full quarter of a second: {Say.Clock(periodic.Loop.Now())}");

            if (++calls == 2)
            {
                periodic.Stop();
            }
        });
        quarter.Start();
        Say.That($"it is {Say.Clock(loop.Now())}, due at {Say.Clock(quarter.At)}");

        loop.Periodic(DateTimeOffset.UtcNow.AddSeconds(0.4), (_, _) => Say.That("called once, at the requested time")).Start();
        loop.Start();
    }
}
