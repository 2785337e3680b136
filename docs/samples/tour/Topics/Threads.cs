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

        // Send wakes the loop and carries no data, so the work goes through a queue
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
                async.Send(); // the loop merges several calls of Send into one event
            }
        });
        Say.That($"the loop is on thread {Environment.CurrentManagedThreadId}, the sender on {thread.ManagedThreadId}");
        thread.Start();
        loop.Start();
        thread.Join();
    }
}
