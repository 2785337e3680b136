using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Start, Stop, nested Starts, Invoke, and the counters of a loop.</summary>
public sealed class LoopStartTests : LoopTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_empty_loop_runs_one_iteration_and_returns_false(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Assert.Equal((0u, 0u, 0), (loop.Iteration, loop.Depth, loop.Pending));
        Assert.False(loop.Start());
        Assert.Equal((1u, 0u, 0), (loop.Iteration, loop.Depth, loop.Pending));
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal((2u, 0u, 0), (loop.Iteration, loop.Depth, loop.Pending));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Default_runs_until_nothing_is_active(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<string>();
        loop.Timer(0.02, 0, (_, _) => log.Add("second")).Start();
        loop.Timer(0.01, 0, (_, _) => log.Add("first")).Start();
        Assert.False(loop.Start());
        Assert.Equal(["first", "second"], log);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void NoWait_runs_one_iteration_and_does_not_wait(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(10, 0, (_, _) => calls++).Start();
        var watch = Stopwatch.StartNew();
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(1u, loop.Iteration);
        Assert.Equal(0, calls);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Once_waits_for_one_event(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<string>();
        loop.Timer(0.05, 0, (_, _) => log.Add("near")).Start();
        loop.Timer(10, 0, (_, _) => log.Add("far")).Start();
        var watch = Stopwatch.StartNew();

        // The wait may end slightly early, because its clock may be coarser than the loop's clock.
        while (log.Count == 0)
        {
            Assert.True(loop.Start(RunFlags.Once));
        }

        Assert.Equal(["near"], log);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.04, 5);
        Assert.InRange(loop.Iteration, 1u, 5u);
    }

    [Theory]
    [InlineData(3)]
    [InlineData(-1)]
    [InlineData(0x80)]
    public void Start_and_Stop_refuse_values_that_do_not_exist(int value)
    {
        Loop loop = NewLoop();
        Assert.Equal("flags", Assert.Throws<ArgumentOutOfRangeException>(() => loop.Start((RunFlags)value)).ParamName);
        Assert.Equal("how", Assert.Throws<ArgumentOutOfRangeException>(() => loop.Stop((BreakHow)value)).ParamName);
        Assert.Equal(0u, loop.Iteration);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_due_timer_fires_in_a_single_NoWait(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(0, 0, (_, _) => calls++).Start();
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Start_returns_whether_it_may_be_called_again()
    {
        Loop loop = NewLoop();
        Assert.False(loop.Start(RunFlags.NoWait));
        int calls = 0;
        loop.Timer(0.05, 0, (_, _) => calls++).Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Background_watchers_are_called_in_order_and_Start_returns()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Watcher[] watchers =
        [
            loop.Idle((_, _) => log.Add("idle")), loop.Check((_, _) => log.Add("check")), loop.Prepare((_, _) => log.Add("prepare")),
        ];

        foreach (Watcher watcher in watchers)
        {
            watcher.KeepAlive = false;
            watcher.Start();
        }

        Assert.False(loop.Start());
        Assert.Equal(["prepare", "check", "idle"], log);
        Assert.Equal(1u, loop.Iteration);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_iteration_grows_between_prepare_and_check(Backends backend)
    {
        Loop loop = NewLoop(backend);
        uint prepared = uint.MaxValue, checkedAt = uint.MaxValue;
        loop.Prepare((_, _) => prepared = loop.Iteration).Start();
        loop.Check((_, _) => checkedAt = loop.Iteration).Start();

        for (uint i = 0; i < 3; i++)
        {
            loop.Start(RunFlags.NoWait);
            Assert.Equal((i, i + 1), (prepared, checkedAt));
        }
    }

    // -- Stop ---------------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(BreakHow.One)]
    [InlineData(BreakHow.All)]
    public void Stop_ends_Start_after_the_callback_and_the_next_Start_continues(BreakHow how)
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Timer(0.01, 0, (_, _) =>
        {
            loop.Stop(how);
            log.Add("first");
        }).Start();
        loop.Timer(0.2, 0, (_, _) => log.Add("second")).Start();
        Assert.True(loop.Start());
        Assert.Equal(["first"], log);
        Assert.False(loop.Start());
        Assert.Equal(["first", "second"], log);
    }

    [Fact]
    public void Cancel_withdraws_a_Stop()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0.01, 0, (_, _) =>
        {
            loop.Stop();
            loop.Stop(BreakHow.Cancel);
        }).Start();
        loop.Timer(0.05, 0, (_, _) => calls++).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Theory]
    [InlineData(RunFlags.Default)]
    [InlineData(RunFlags.NoWait)]
    public void Stop_in_a_prepare_ends_Start_before_it_waits(RunFlags flags)
    {
        Loop loop = NewLoop();
        int prepares = 0, checks = 0;
        loop.Prepare((_, _) =>
        {
            prepares++;
            loop.Stop();
        }).Start();
        loop.Check((_, _) => checks++).Start();
        Assert.True(loop.Start(flags));
        Assert.Equal(1, prepares);
        Assert.Equal(0u, loop.Iteration);
        Assert.True(loop.Start(flags));
        Assert.Equal((2, 0), (prepares, checks));
    }

    [Fact]
    public void Stop_One_ends_the_innermost_of_nested_Starts()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Nest(loop, log, BreakHow.One);
        Assert.True(loop.Start());
        Assert.Equal(["enter 1", "enter 2", "enter 3", "leave 2", "later 2", "leave 1", "later 1"], log);
    }

    [Fact]
    public void Stop_All_ends_every_nested_Start()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Nest(loop, log, BreakHow.All);
        Assert.True(loop.Start());
        Assert.Equal(["enter 1", "enter 2", "enter 3", "leave 2", "leave 1"], log);
        Assert.Equal(0u, loop.Depth);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_from_another_thread_wakes_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int far = 0;
        loop.Timer(15, 0, (_, _) => far++).Start();

        for (int i = 0; i < 20; i++)
        {
            var watch = Stopwatch.StartNew();
            var thread = new Thread(() =>
            {
                Thread.Sleep(i % 4); // some Stops come before the loop waits, and some while it waits
                loop.Stop();
            });
            thread.Start();
            Assert.True(loop.Start());
            thread.Join();
            Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        }

        Assert.Equal(0, far);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Stop_while_the_loop_does_not_run_ends_the_next_Start_and_no_other(bool otherThread)
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0.5, 0, (_, _) => calls++).Start();

        if (otherThread)
        {
            var thread = new Thread(() => loop.Stop());
            thread.Start();
            thread.Join();
        }
        else
        {
            loop.Stop();
        }

        Assert.True(loop.Start());
        Assert.Equal(0, calls);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Cancel_withdraws_a_Stop_while_the_loop_does_not_run()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0.02, 0, (_, _) => calls++).Start();
        loop.Stop();
        loop.Stop(BreakHow.Cancel);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Stop_All_from_another_thread_ends_nested_Starts()
    {
        Loop loop = NewLoop();
        loop.Timer(15, 0, (_, _) => { }).Start();
        bool inner = false;
        var thread = new Thread(() =>
        {
            Posix.Until(() => Volatile.Read(ref inner));
            loop.Stop(BreakHow.All);
        });
        bool? more = null;
        loop.Timer(0, 0, (_, _) =>
        {
            Volatile.Write(ref inner, true);
            more = loop.Start();
        }).Start();
        thread.Start();
        Assert.True(loop.Start());
        thread.Join();
        Assert.True(more);
    }

    // -- Invoke, Pending ----------------------------------------------------------------------------------------------

    [Fact]
    public void Invoke_outside_Start_calls_the_pending_watchers_and_no_others()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Timer timer = loop.Timer(0, 0, (_, _) => log.Add("timer"));
        timer.Start();
        loop.Idle((w, e) => log.Add($"{e}")).Feed(Events.Custom);
        loop.Prepare((w, e) => log.Add($"{e}")).Feed(Events.Write);
        Assert.Equal(2, loop.Pending);
        loop.Invoke();
        log.Sort();
        Assert.Equal(["Custom", "Write"], log);
        Assert.Equal((0u, 0u, 0), (loop.Iteration, loop.Depth, loop.Pending));
        Assert.True(timer.IsActive);
    }

    [Fact]
    public void Invoke_in_a_callback_calls_the_others_first()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Idle((_, _) => log.Add("low"), priority: -1).Feed(Events.Custom);
        loop.Idle(
            (_, _) =>
            {
                log.Add("before");
                loop.Invoke();
                log.Add("after");
            },
            priority: 1).Feed(Events.Custom);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(["before", "low", "after"], log);
    }

    [Fact]
    public void Pending_does_not_count_a_cleared_event()
    {
        Loop loop = NewLoop();
        Idle[] idles = [loop.Idle(), loop.Idle(priority: 2), loop.Idle(priority: -2)];
        Array.ForEach(idles, idle => idle.Feed(Events.Custom));
        Assert.Equal(3, loop.Pending);
        Assert.Equal(Events.Custom, idles[0].Clear());
        Assert.Equal(2, loop.Pending);
        idles[1].Stop();
        Assert.Equal(1, loop.Pending);
        loop.Invoke();
        Assert.Equal(0, loop.Pending);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Pending_does_not_count_events_of_libev_itself(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        int reads = 0, sent = 0, timers = 0;
        var counts = new List<(int Pending, int Own)>();
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            reads++;
        });
        Async async = loop.Async((_, _) => sent++);
        Timer timer = loop.Timer(0.001, 0.001, (_, _) => timers++);
        Watcher[] watchers = [io, async, timer];
        loop.Callback = l =>
        {
            int own = 0;
            Array.ForEach(watchers, w => own += w.IsPending ? 1 : 0);
            counts.Add((l.Pending, own));
            l.Invoke();
        };
        Array.ForEach(watchers, w => w.Start());

        for (int i = 1; i <= 5; i++)
        {
            Posix.Write(write);
            async.Send(); // makes the watcher of libev's own pipe pending first

            while (reads < i || sent < i || timers < i)
            {
                Assert.True(loop.Start(RunFlags.Once));
            }
        }

        Assert.Equal(backend, loop.Backend);
        Assert.NotEmpty(counts);
        Assert.All(counts, c => Assert.Equal(c.Own, c.Pending));
        Array.ForEach(watchers, w => w.Dispose());
        Posix.Close(read, write);
    }

    // -- references ---------------------------------------------------------------------------------------------------

    [Fact]
    public void IncRef_keeps_the_loop_alive_until_DecRef()
    {
        Loop loop = NewLoop();
        loop.IncRef();
        loop.IncRef();
        Assert.True(loop.Start(RunFlags.NoWait));
        loop.DecRef();
        Assert.True(loop.Start(RunFlags.NoWait));
        loop.DecRef();
        Assert.False(loop.Start(RunFlags.NoWait));
    }

    [Fact]
    public void DecRef_without_a_matching_IncRef_is_refused()
    {
        Loop loop = NewLoop();
        loop.Timer(10, 0, (_, _) => { }).Start();
        Assert.Throws<InvalidOperationException>(loop.DecRef);
        loop.IncRef();
        loop.DecRef();
        Assert.Throws<InvalidOperationException>(loop.DecRef);
        Assert.True(loop.Start(RunFlags.NoWait));
    }

    [Fact]
    public void A_reference_alone_keeps_Start_waiting_for_another_thread()
    {
        Loop loop = NewLoop();
        loop.IncRef();
        var thread = new Thread(() =>
        {
            Thread.Sleep(20);
            loop.Stop();
        });
        thread.Start();
        Assert.True(loop.Start());
        thread.Join();
        loop.DecRef();
    }

    /// <summary>Three nested Starts. A callback of the innermost one stops the loop, and each outer level has more work.</summary>
    private static void Nest(Loop loop, List<string> log, BreakHow how)
    {
        loop.Timer(100, 0, (_, _) => { }).Start(); // so that no Start ends by itself

        void Level(uint depth)
        {
            Assert.Equal(depth, loop.Depth);
            log.Add($"enter {depth}");

            if (depth == 3)
            {
                loop.Stop(how);
                return;
            }

            loop.Idle((w, _) =>
            {
                w.Stop();
                Level(depth + 1);
            }).Start();
            Assert.True(loop.Start());
            Assert.Equal(depth, loop.Depth);
            log.Add($"leave {depth}");

            loop.Idle((w, _) =>
            {
                w.Stop();
                log.Add($"later {depth}");
                loop.Stop();
            }).Start();
        }

        loop.Idle((w, _) =>
        {
            w.Stop();
            Level(1);
        }).Start();
    }
}
