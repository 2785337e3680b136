using System;
using System.Collections.Concurrent;
using System.Threading;
using Mood.Event;

namespace Tour.Topics;

internal static class Threads
{
    public static void Run()
    {
        using var loop = new Loop();
        string[] items = ["one", "two", "last"];
        var queue = new ConcurrentQueue<string>();

        // a Send wakes the loop and carries nothing: what there is to do goes through a queue
        using Async async = loop.Async((watcher, _) =>
        {
            Say.That($"woken, on thread {Environment.CurrentManagedThreadId}");

            while (queue.TryDequeue(out string? item))
            {
                Say.That($"taken: {item}");

                if (item == "last")
                {
                    watcher.Stop();
                }
            }
        });
        async.Start();

        var thread = new Thread(() =>
        {
            foreach (string item in items)
            {
                queue.Enqueue(item);
                async.Send(); // several before the loop looks are one event
            }
        });
        Say.That($"the loop is on thread {Environment.CurrentManagedThreadId}, the sender on {thread.ManagedThreadId}");
        thread.Start();
        loop.Start();
        thread.Join();
    }
}
