using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

/// <summary>Posts from other threads to a loop, and asynchronous functions on a loop.</summary>
internal static class CrossThread
{
    public static void Post()
    {
        const int count = 10000;
        int ran = 0, sum = 0, accepted = 0;
        var loop = new Loop();
        loop.IncRef();
        var threads = new Thread[4];

        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() =>
            {
                for (int k = 0; k < count; k++)
                {
                    if (k % 2 == 0 ? loop.TryPost(() => ran++) : loop.TryPost(n => { ran++; sum += n; }, 1))
                    {
                        Interlocked.Increment(ref accepted);
                    }
                }

                loop.Post(() =>
                {
                    if (ran == threads.Length * count)
                    {
                        loop.DecRef();
                    }
                });
            });
            threads[i].Start();
        }

        Check.Ends(loop);
        Array.ForEach(threads, t => t.Join());
        Check.That(ran == accepted && ran == threads.Length * count && sum == ran / 2, "every posted action has run");
        loop.Post(() => ran = -1);
        loop.Dispose();
        Check.That(ran == -1, "an accepted action runs in Dispose");
        Check.That(!loop.TryPost(() => { }), "a post after Dispose is refused");
        Check.That(loop.InvokeAsync(() => 1).Exception?.InnerException is ObjectDisposedException, "InvokeAsync after Dispose fails");
    }

    public static void Run()
    {
        using (var loop = new Loop())
        {
            var threads = new List<int>();
            int result = loop.Run(async () =>
            {
                threads.Add(Environment.CurrentManagedThreadId);
                await Task.Delay(5);
                threads.Add(Environment.CurrentManagedThreadId);
                await Task.Run(() => Thread.Sleep(1));
                threads.Add(Environment.CurrentManagedThreadId);
                return await loop.InvokeAsync(() => 7);
            });
            Check.That(result == 7 && threads.TrueForAll(t => t == Environment.CurrentManagedThreadId), "continuations run on the loop's thread");

            try
            {
                loop.Run(async () =>
                {
                    await Task.Yield();
                    throw new TimeoutException();
                });
                Check.That(false, "an exception leaves Run");
            }
            catch (TimeoutException)
            {
            }
        }
    }

    public static void Threads()
    {
        using (var group = new LoopGroup(3, "worker"))
        {
            int ran = 0;

            for (int i = 0; i < 300; i++)
            {
                group.Next().Post(() => Interlocked.Increment(ref ran));
            }

            Check.That(group.Next().InvokeAsync(() => Thread.CurrentThread.Name).GetAwaiter().GetResult() == "worker 0", "threads have names");
            group.StopAsync().GetAwaiter().GetResult();
            Check.That(ran == 300, "the posted actions run before StopAsync ends");
        }

        var thread = new LoopThread();
        Exception? told = null;
        thread.Failed += (_, e) => told = e.Exception;
        thread.Loop.Post([Fatal] () => throw new TimeoutException());

        try
        {
            thread.StopAsync().GetAwaiter().GetResult();
            Check.That(false, "StopAsync throws the failure");
        }
        catch (TimeoutException e)
        {
            Check.That(told == e, "the event Failed has the same exception");
        }
    }
}
