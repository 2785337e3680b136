using Mood.Event;

namespace Tour.Topics;

internal static class Background
{
    public static void Run()
    {
        using var loop = new Loop();

        using Timer heartbeat = loop.Timer(0.1, 0.1, (_, _) => Say.That("heartbeat"));
        heartbeat.KeepAlive = false; // it does not keep the loop alive
        heartbeat.Start();

        loop.Timer(0.25, 0, (_, _) => Say.That("the work is done")).Start();
        bool more = loop.Start();
        Say.That($"Start returned {more}, the heartbeat is still active: {heartbeat.IsActive}");
    }
}
