using Mood.Event;

namespace Tour.Topics;

internal static class Phases
{
    public static void Run()
    {
        using var loop = new Loop();

        // Prepare runs before the loop waits, and Check after it. They integrate other event sources.
        using Prepare prepare = loop.Prepare((_, _) => Say.That("prepare: about to wait"));
        using Check check = loop.Check((_, _) => Say.That("check: has waited"));
        prepare.KeepAlive = check.KeepAlive = false;
        prepare.Start();
        check.Start();

        loop.Timer(0.1, 0, (_, _) => Say.That("timer, one")).Start();
        loop.Timer(0.2, 0, (_, _) => Say.That("timer, two")).Start();
        loop.Start();
    }
}
