using Mood.Event;

namespace Tour.Topics;

internal static class Idles
{
    public static void Run()
    {
        using var loop = new Loop();
        long slices = 0;

        // An active Idle keeps the loop from waiting. Use it for work in small slices, and stop it at the end.
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
