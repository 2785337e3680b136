using System;
using System.Diagnostics;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Async: Send from the loop and from other threads.</summary>
public sealed class AsyncTests : LoopTestBase
{
    private static readonly Action<Async, Events> s_nothing = (_, _) => { };

    [Fact]
    public void An_async_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Async(loop, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Async async in new[] { new Async(loop, s_nothing, data, 1), loop.Async(s_nothing, data, 1) })
        {
            WatcherContract.Has(async, data, 1);
            Assert.Same(loop, async.Loop);
            Assert.Same(s_nothing, async.Callback);
            Assert.False(async.Sent);
            Assert.Throws<ArgumentNullException>(() => async.Callback = null);
            Assert.Same(s_nothing, async.Callback);
            async.Dispose();
        }
    }

    [Fact]
    public void Null_and_a_disposed_loop_are_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Async(null!, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Async(loop, null!));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Async(s_nothing));
    }

    [Fact]
    public void A_disposed_async_watcher_keeps_its_getters_only()
    {
        Async async = NewLoop().Async(s_nothing);
        WatcherContract.Dispose(async);
        Assert.Throws<ObjectDisposedException>(async.Send);
        Assert.False(async.Sent);
    }

    [Fact]
    public void A_send_to_a_disposed_loop_does_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Async inactive = loop.Async((_, _) => calls++), active = loop.Async((_, _) => calls++);
        active.Start();
        loop.Dispose();
        inactive.Send();
        Assert.Throws<ObjectDisposedException>(active.Send); // the loop has disposed the watcher
        Assert.Equal(0, calls);
        inactive.Dispose();
    }

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Async async = NewLoop().Async((_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(async, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_send_causes_one_call_in_the_next_iteration(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Events seen = Events.None;
        Async async = loop.Async((w, e) =>
        {
            calls += w.Sent ? 100 : 1;
            seen = e;
        });
        async.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(0, calls);

        Assert.False(async.Sent);
        async.Send();
        Assert.True(async.Sent);
        Assert.False(async.IsPending);
        Assert.Equal(0, calls);
        Run(loop, () => calls > 0);
        Assert.False(async.Sent);
        Assert.Equal((1, Events.Async), (calls, seen));

        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Many_sends_cause_one_call(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Async async = loop.Async((_, _) => calls++);
        async.Start();

        for (int i = 1; i <= 3; i++)
        {
            for (int j = 0; j < 1000; j++)
            {
                async.Send();
            }

            Run(loop, () => calls == i);
            loop.Start(RunFlags.NoWait);
            Assert.Equal(i, calls);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Asyncs_sent_together_are_called_in_the_order_in_which_they_were_started(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        var asyncs = new Async[5];

        for (int i = 0; i < asyncs.Length; i++)
        {
            asyncs[i] = loop.Async((w, _) => log += w.Data, data: i);
            asyncs[i].Start();
        }

        foreach (int i in new[] { 3, 0, 4, 2, 1 })
        {
            asyncs[i].Send();
        }

        Run(loop, () => log.Length == 5);
        Assert.Equal("01234", log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Asyncs_send_each_other(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        Async? second = null;
        Async first = loop.Async((w, _) =>
        {
            log += w.Sent ? "sent" : "a1 ";
            second!.Send();
        });
        second = loop.Async((_, _) =>
        {
            log += "a2 ";
            first.Callback = (_, _) =>
            {
                log += "a1'";
                loop.Stop();
            };
            first.Send();
        });
        Async third = loop.Async((_, _) => log += "a3");
        first.Start();
        second.Start();
        third.Start();
        first.Send();
        Assert.True(loop.Start());
        Assert.Equal("a1 a2 a1'", log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_send_from_another_thread_wakes_a_waiting_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int thread = 0;
        Async async = loop.Async((w, _) =>
        {
            thread = Environment.CurrentManagedThreadId;
            w.Stop();
        });
        async.Start();
        var sender = new Thread(() =>
        {
            Thread.Sleep(20); // gives the loop the time to begin its wait
            async.Send();
        });
        var watch = Stopwatch.StartNew();
        sender.Start();
        Assert.False(loop.Start());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.019, Patience / 2);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        sender.Join();
        async.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_thread_that_sends_without_pause_does_not_block_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Async async = loop.Async((w, _) =>
        {
            if (Interlocked.Increment(ref calls) == 3)
            {
                w.Stop();
            }
        });
        async.Start();
        var sender = new Thread(() =>
        {
            while (Volatile.Read(ref calls) < 3)
            {
                async.Send();
            }
        });
        sender.Start();
        Assert.False(loop.Start());
        sender.Join();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(3, calls);
        async.Dispose();
    }

    [Fact]
    public void When_several_threads_send_no_send_is_lost()
    {
        const int threads = 4, sends = 5000;
        Loop loop = NewLoop();
        int given = 0, taken = 0;
        Async async = loop.Async((w, _) =>
        {
            taken = Volatile.Read(ref given);

            if (taken == threads * sends)
            {
                w.Stop();
            }
        });
        async.Start();
        var senders = new Thread[threads];

        for (int i = 0; i < threads; i++)
        {
            senders[i] = new Thread(() =>
            {
                for (int j = 0; j < sends; j++)
                {
                    Interlocked.Increment(ref given);
                    async.Send();
                }
            });
            senders[i].Start();
        }

        // If a wake were lost, the loop would wait until the watchdog expires.
        Assert.False(loop.Start());
        Assert.Equal(threads * sends, taken);

        foreach (Thread sender in senders)
        {
            sender.Join();
        }

        async.Dispose();
    }

    [Fact]
    public void Send_throws_on_a_thread_that_sends_while_the_watcher_is_disposed()
    {
        Loop loop = NewLoop();

        for (int i = 0; i < 50; i++)
        {
            Async async = loop.Async(s_nothing);
            async.Start();
            Exception? thrown = null;
            using var begun = new ManualResetEventSlim();
            var sender = new Thread(() =>
            {
                try
                {
                    for (; ; begun.Set())
                    {
                        async.Send();
                    }
                }
                catch (Exception e)
                {
                    thrown = e;
                }
            });
            sender.Start();
            begun.Wait();
            loop.Start(RunFlags.NoWait);
            async.Dispose();
            sender.Join();
            Assert.IsType<ObjectDisposedException>(thrown);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_send_to_an_inactive_watcher_causes_no_call_after_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Async async = loop.Async((_, _) => calls++), other = loop.Async((_, _) => { });
        async.Send();
        async.Start();
        Assert.False(async.Sent);
        other.Start();
        other.Send();
        Run(loop, () => !other.Sent);
        Assert.Equal(0, calls);

        // A watcher that is stopped while a Send is pending is not called for it either. It is called for the next Send.
        async.Send();
        async.Stop();
        async.Start();
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
        async.Send();
        Run(loop, () => calls == 1);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Without_KeepAlive_an_async_watcher_does_not_keep_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Async async = loop.Async((_, _) => calls++);
        async.KeepAlive = false;
        async.Start();
        async.Send();
        Assert.False(loop.Start());
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.True(async.IsActive);
        async.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_stop_by_another_thread_ends_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(Patience / 2, 0, (_, _) => calls++).Start();
        Async async = loop.Async((w, _) => w.Loop.Stop());
        async.Start();

        foreach (Action stop in new Action[] { async.Send, () => loop.Stop() })
        {
            var other = new Thread(() =>
            {
                Thread.Sleep(20);
                stop();
            });
            var watch = Stopwatch.StartNew();
            other.Start();
            Assert.True(loop.Start());
            Assert.InRange(watch.Elapsed.TotalSeconds, 0.019, Patience / 4);
            other.Join();
        }

        Assert.Equal(0, calls);
    }

    [Fact]
    public void An_async_watcher_may_dispose_itself_in_its_callback()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Async async = loop.Async((w, _) =>
        {
            calls++;
            w.Send();
            w.Dispose();
        });
        async.Start();
        async.Send();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    // Runs several iterations. With NoWait, a backend may report the eventfd of a Send only in a later iteration.
    private static void Run(Loop loop, Func<bool> done)
    {
        for (int i = 0; i < 1000 && !done(); i++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.True(done());
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Sent_is_false_on_an_inactive_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        using Async async = loop.Async((_, _) => { });
        async.Send();
        Assert.False(async.Sent);
        async.Start();
        Assert.False(async.Sent);
        async.Send();
        Assert.True(async.Sent);
        async.Stop();
        Assert.False(async.Sent);
        async.Send();
        Assert.False(async.Sent);
        loop.Dispose();
        async.Send();
        Assert.False(async.Sent);
    }

    [Fact]
    public void The_callback_after_the_last_Send_sees_everything_published_before_it()
    {
        const int rounds = 25_000, sends = 4;
        Loop loop = NewLoop();
        int published = 0, seen = 0;
        bool lost = false;
        Async async = loop.Async((_, _) => Volatile.Write(ref seen, Volatile.Read(ref published)));
        async.Start();
        var sender = new Thread(() =>
        {
            for (int i = 0; i < rounds && !lost; i++)
            {
                for (int j = 0; j < sends; j++)
                {
                    Volatile.Write(ref published, published + 1);
                    async.Send();

                    // Pauses of different lengths: so the next Send comes at every stage of the loop's handling of this one.
                    Thread.SpinWait((i + j * 5) % 17 * 2);
                }

                long end = Environment.TickCount64 + 5000;

                while (Volatile.Read(ref seen) != published && !lost)
                {
                    lost = Environment.TickCount64 > end;
                }
            }

            loop.Stop();
        });
        sender.Start();
        loop.Start();
        sender.Join();
        Assert.Equal((rounds * sends, rounds * sends), (published, seen));
        async.Dispose();
    }
}
