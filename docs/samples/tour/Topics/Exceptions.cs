using System;
using Mood.Event;

namespace Tour.Topics;

internal static class Exceptions
{
    public static void Run()
    {
        using var loop = new Loop();
        loop.CallbackException += (_, e) => Say.That($"a {e.Watcher?.GetType().Name} threw, and the loop continues: {e.Exception.Message}");

        loop.Timer(0.05, 0, (_, _) => throw new InvalidOperationException("an ordinary error")).Start();
        loop.Timer(0.1, 0, [Fatal] (_, _) => throw new InvalidOperationException("a fatal error")).Start();
        loop.Timer(0.15, 0, (_, _) => Say.That("Start was called again, and the third timer expired")).Start();

        try
        {
            loop.Start();
        }
        catch (InvalidOperationException e)
        {
            Say.That($"Start threw the exception, because the callback is [Fatal]: {e.Message}");
        }

        loop.Start();
    }
}
