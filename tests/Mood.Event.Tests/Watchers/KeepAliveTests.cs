using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Watcher.KeepAlive: the loop's reference count is correct after calls in any order.</summary>
public sealed class KeepAliveTests : AnyWatcherTestBase
{
    [Theory]
    [MemberData(nameof(AllKinds))]
    public void An_active_watcher_keeps_the_loop_alive_exactly_while_KeepAlive_is_true(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });
        Watcher w = any.Watcher;
        Action[] operations = [w.Start, w.Stop, () => w.KeepAlive = false, () => w.KeepAlive = true];

        // Every sequence of four calls. Each sequence begins in the state that the previous one left.
        for (int order = 0; order < 256; order++)
        {
            for (int i = 0, rest = order; i < 4; i++, rest /= 4)
            {
                operations[rest % 4]();
                Assert.Equal(w.IsActive && w.KeepAlive, IsKeptAlive(loop));
            }
        }

        w.Stop();
        AssertNoReferences(loop);
        loop.Verify();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_background_watcher_is_called_like_any_other(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (_, _) =>
        {
            calls++;
            loop.Stop();
        });
        any.Watcher.KeepAlive = false;
        StartAndTrigger(any);
        loop.IncRef(); // keeps the loop running
        Assert.True(loop.Start());
        loop.DecRef();
        Assert.Equal(1, calls);
        AssertNoReferences(loop);
        Assert.True(any.Watcher.IsActive);
        any.Watcher.Stop();
        AssertNoReferences(loop);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_watcher_disposed_or_stopped_in_its_callback_leaves_no_reference(string kind)
    {
        foreach (bool dispose in new[] { true, false })
        {
            Loop loop = LoopFor(kind);
            using var any = new AnyWatcher(loop, kind, (w, _) =>
            {
                if (dispose)
                {
                    w.Dispose();
                }
                else
                {
                    w.Stop();
                }

                loop.Stop();
            });
            any.Watcher.KeepAlive = false;
            StartAndTrigger(any);
            loop.IncRef();
            Assert.True(loop.Start());
            loop.DecRef();
            Assert.False(any.Watcher.IsActive);
            AssertNoReferences(loop);
        }
    }

    [Fact]
    public void After_a_background_timer_expires_the_reference_count_is_correct()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(0, 0, (_, _) => { });
        timer.KeepAlive = false;

        for (int i = 0; i < 5; i++)
        {
            timer.Start();
            Assert.False(IsKeptAlive(loop));
            Assert.False(timer.IsActive);
            AssertNoReferences(loop);
        }

        // Clear between expiry and callback prevents the callback, which therefore cannot correct the count.
        loop.Callback = _ => timer.Clear();
        timer.Start();
        loop.Start(RunFlags.NoWait);
        loop.Callback = null;
        Assert.False(timer.IsActive);
        AssertNoReferences(loop);
    }

    [Fact]
    public void After_KeepAlive_is_set_between_expiry_and_callback_the_reference_count_is_correct()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(0, 0, (_, _) => { });

        foreach (bool keepAlive in new[] { false, true, false, true })
        {
            timer.KeepAlive = keepAlive;
            timer.Start();
            loop.Callback = l =>
            {
                timer.KeepAlive = !keepAlive;
                l.Invoke();
            };
            loop.Start(RunFlags.NoWait);
            loop.Callback = null;
            AssertNoReferences(loop);
        }
    }

    [Fact]
    public void After_Reset_and_Restart_of_a_background_timer_the_reference_count_is_correct()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(100, 0, (_, _) => { });
        timer.KeepAlive = false;
        timer.Restart();
        Assert.True(timer.IsActive);
        AssertNoReferences(loop);
        timer.Restart(50);
        AssertNoReferences(loop);
        timer.Stop();
        AssertNoReferences(loop);

        timer.Repeat = 100;
        timer.Reset();
        Assert.True(timer.IsActive);
        AssertNoReferences(loop);
        timer.Repeat = 0;
        Assert.Throws<InvalidOperationException>(timer.Reset);
        AssertNoReferences(loop);
        timer.Stop();
        AssertNoReferences(loop);
    }

    [Fact]
    public void A_background_io_whose_fd_was_closed_leaves_no_reference()
    {
        Loop loop = NewLoop(Backends.Poll);
        (int read, int write) = Posix.Pipe();
        Io io = loop.Io(read, Events.Read, (_, _) => { });
        io.KeepAlive = false;
        io.Start();
        loop.Start(RunFlags.NoWait);
        Posix.Close(read, write);
        Assert.Throws<EventException>(() => loop.Start(RunFlags.NoWait));
        Assert.False(io.IsActive);
        AssertNoReferences(loop);
    }

    [Fact]
    public void Background_timers_run_only_while_others_keep_the_loop_alive()
    {
        Loop loop = NewLoop();
        int first = 0, second = 0;
        Timer timer1 = loop.Timer(1, 0.05, (w, _) =>
        {
            first++;
            w.Stop();
        });
        Assert.False(loop.Start());
        timer1.Start();
        timer1.KeepAlive = false;
        timer1.Reset();
        timer1.Stop();
        timer1.Start();
        Timer timer2 = loop.Timer(-1, 0, (_, _) => second++);
        timer2.KeepAlive = false;
        timer2.Start();
        Assert.False(loop.Start());
        Assert.Equal((0, 1), (first, second));
        timer1.KeepAlive = true;
        Assert.False(loop.Start());
        Assert.Equal((1, 1), (first, second));
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void After_random_operations_in_and_outside_callbacks_the_reference_count_is_correct(string kind)
    {
        Loop loop = LoopFor(kind);
        var random = new Random(kind.Length * 1000 + kind[0]);
        Action[] operations = [];
        var log = new Queue<int>();

        void Do(int operation)
        {
            log.Enqueue(operation);

            if (log.Count > 20)
            {
                log.Dequeue();
            }

            operations[operation]();
        }

        using var any = new AnyWatcher(loop, kind, (_, _) => Do(random.Next(operations.Length - 1)));
        Timer timer = loop.Timer(0, 0, (_, _) => Do(random.Next(operations.Length - 1)));
        Watcher w = any.Watcher;
        operations =
        [
            w.Start, w.Stop, () => w.KeepAlive = false, () => w.KeepAlive = true, () => w.Feed(Events.Custom), () => w.Clear(),
            timer.Start, timer.Stop, () => timer.KeepAlive = false, () => timer.KeepAlive = true, timer.Restart,
            () => (timer.Repeat > 0 ? timer.Reset : (Action)timer.Start)(),
            () => timer.Repeat = random.Next(2) * 1e-6, () => timer.Clear(), () => timer.Feed(Events.Timer),
            () => loop.Start(RunFlags.NoWait),
        ];

        for (int i = 0; i < 1000; i++)
        {
            Do(random.Next(operations.Length));
            bool kept = loop.Start(RunFlags.NoWait);
            bool expected = new Watcher[] { w, timer }.Any(x => x.IsActive && x.KeepAlive);
            Assert.True(kept == expected, $"after {string.Join(' ', log)}: {kept}, not {expected}");
        }

        w.Stop();
        timer.Stop();
        loop.Invoke();
        AssertNoReferences(loop);
        loop.Verify();
    }

    [Fact]
    public void A_background_timer_that_is_called_late_does_not_end_Start_early()
    {
        Loop loop = NewLoop();
        int background = 0, foreground = 0, postponed = 0;
        Timer timer = loop.Timer(0, 0, (_, _) => background++);
        timer.KeepAlive = false;
        timer.Start();
        loop.Timer(0.02, 0, (_, _) => foreground++).Start();
        loop.Callback = l =>
        {
            if (timer.IsPending && postponed == 0)
            {
                postponed++;
            }
            else
            {
                l.Invoke();
            }
        };
        Assert.False(loop.Start());
        Assert.Equal((1, 1, 1), (background, foreground, postponed));
        loop.Callback = null;
        AssertNoReferences(loop);
    }
}
