using Mood.Event;

namespace Tour.Topics;

internal static class Idles
{
    public static void Run()
    {
        using var loop = new Loop();
        long slices = 0;

        // While an Idle is active, the loop does not wait. Use it for work in small slices, and stop it when the work is done.
        using Idle idle = loop.Idle((_, _) => slices++);
        idle.Start();

        loop.Timer(0.1, 0, (_, _) =>
        {
            Say.That($"the timer came on time; meanwhile idle did {slices} slices of work");
            idle.Stop();
        }).Start();
        loop.Start();
    }
}
