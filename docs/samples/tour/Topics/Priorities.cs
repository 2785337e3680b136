using Mood.Event;

namespace Tour.Topics;

internal static class Priorities
{
    public static void Run()
    {
        using var loop = new Loop();

        for (int priority = Ev.MinPriority; priority <= Ev.MaxPriority; priority += 2)
        {
            loop.Timer(0.1, 0, static (timer, _) => Say.That($"{timer.Data}"), data: $"priority {priority}", priority).Start();
        }

        Say.That("three timers for the same moment, started from the lowest priority to the highest");
        loop.Start();
    }
}
