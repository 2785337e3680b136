using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The loop's time and its intervals; Reset, FeedFdEvent, FeedSignalEvent and Verify.</summary>
public sealed class LoopTimeTests : LoopTestBase
{
    [Fact]
    public void Now_is_the_wall_clock()
    {
        Loop loop = NewLoop();
        Assert.InRange(loop.Now(update: true) - Ev.Time(), -1, 0.01);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Now_stands_still_in_a_callback_until_it_is_updated(Backends backend)
    {
        Loop loop = NewLoop(backend);
        double first = 0, second = 0, updated = 0, after = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            first = loop.Now();
            Thread.Sleep(30);
            second = loop.Now();
            updated = loop.Now(update: true);
            after = loop.Now();
        }).Start();
        loop.Start();
        Assert.Equal(first, second);
        Assert.InRange(updated - first, 0.025, Patience);
        Assert.Equal(updated, after);
    }

    [Fact]
    public void A_suspended_loop_s_timers_do_not_count_the_time()
    {
        Loop loop = NewLoop();
        Loop control = NewLoop();
        int suspended = 0, counted = 0;
        loop.Timer(0.1, 0, (_, _) => suspended++).Start();
        control.Timer(0.1, 0, (_, _) => counted++).Start();

        loop.Suspend();
        Thread.Sleep(120);
        loop.Resume();
        loop.Start(RunFlags.NoWait);
        control.Start(RunFlags.NoWait);
        Assert.Equal((0, 1), (suspended, counted));
        Assert.False(loop.Start());
        Assert.Equal(1, suspended);
    }

    [Fact]
    public void Every_Resume_needs_a_Suspend()
    {
        Loop loop = NewLoop();
        Assert.Throws<InvalidOperationException>(loop.Resume);
        loop.Suspend();
        loop.Suspend();
        loop.Resume();
        loop.Resume();
        Assert.Throws<InvalidOperationException>(loop.Resume);
    }

    [Fact]
    public void IoInterval_collects_io_events()
    {
        Loop loop = NewLoop();
        (int read, int write) = Posix.Pipe();
        Posix.Write(write);
        int calls = 0;
        loop.IoInterval = 0.05;
        Assert.Equal(0.05, loop.IoInterval);
        loop.Io(read, Events.Read, (w, _) =>
        {
            if (++calls == 5)
            {
                w.Stop();
            }
        }).Start();
        var watch = Stopwatch.StartNew();
        loop.Start();
        Assert.Equal(5, calls);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.15, Patience); // the Io is always ready: without the interval this would take no time
        Posix.Close(read, write);
    }

    [Fact]
    public void TimeoutInterval_lets_timers_expire_together()
    {
        Loop loop = NewLoop();
        loop.TimeoutInterval = 0.4;
        Assert.Equal(0.4, loop.TimeoutInterval);
        bool together = false;

        // A signal of the runtime may end a wait early. Then the timers of that round do not expire together.
        for (int i = 0; i < 10 && !together; i++)
        {
            uint first = 0, second = 0;
            loop.Now(update: true);
            loop.Timer(0.02, 0, (_, _) => first = loop.Iteration).Start();
            loop.Timer(0.2, 0, (_, _) => second = loop.Iteration).Start();
            Assert.False(loop.Start());
            together = first == second;
        }

        Assert.True(together);
    }

    [Fact]
    public void A_huge_TimeoutInterval_is_kept_and_does_not_block_events()
    {
        Loop loop = NewLoop();
        loop.TimeoutInterval = 1e300;
        Assert.Equal(1e300, loop.TimeoutInterval);
        int calls = 0;
        Async async = loop.Async((w, _) =>
        {
            calls++;
            w.Stop();
        });
        async.Start();
        var thread = new Thread(() =>
        {
            Thread.Sleep(20);
            async.Send();
        });
        thread.Start();
        Assert.False(loop.Start());
        thread.Join();
        Assert.Equal(1, calls);
    }

    // -- Reset --------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Reset_calls_the_fork_watchers_once(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var seen = new List<Events>();
        loop.Fork((_, e) => seen.Add(e)).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Empty(seen);
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal([Events.Fork], seen);
        loop.Reset();
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal([Events.Fork, Events.Fork], seen);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void After_Reset_every_watcher_works_and_the_loop_ends(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        int bytes = 0, timers = 0, asyncs = 0, periodics = 0;
        Io io = loop.Io(read, Events.Read, (_, _) => bytes += Posix.Read(read));
        Async async = loop.Async((_, _) => asyncs++);
        Periodic periodic = loop.Periodic(0, 0.01, (_, _) => periodics++);
        Watcher[] watchers = [io, async, periodic];
        Array.ForEach(watchers, w => w.Start());

        for (int round = 1; round <= 3; round++)
        {
            loop.Reset();
            loop.Timer(0.03, 0, (_, _) => timers++).Start();
            Posix.Write(write);
            async.Send();

            while (bytes < round || timers < round || asyncs < round || periodics < round)
            {
                Assert.True(loop.Start(RunFlags.Once));
            }
        }

        Array.ForEach(watchers, w => w.Stop());
        loop.Reset();
        var watch = Stopwatch.StartNew();
        Assert.False(loop.Start());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 5);
        Assert.Equal((3, 3, 3), (bytes, timers, asyncs));
        Posix.Close(read, write);
    }

    // -- FeedFdEvent, FeedSignalEvent ---------------------------------------------------------------------------------

    [Fact]
    public void FeedFdEvent_makes_the_watchers_of_the_fd_pending_with_the_events_that_they_watch()
    {
        Loop loop = NewLoop();
        (int read, int write) = Posix.Pipe();
        Events seen = Events.None;
        Io io = loop.Io(read, Events.Read, (_, e) => seen |= e);
        io.Start();

        loop.FeedFdEvent(read, Events.Write);
        loop.FeedFdEvent(read, Events.None);
        loop.FeedFdEvent(write, Events.Read);
        loop.FeedFdEvent(-1, Events.Read);
        loop.FeedFdEvent(int.MaxValue, Events.Read);
        Assert.Equal(0, loop.Pending);

        loop.FeedFdEvent(read, Events.Read | Events.Write);
        Assert.Equal(1, loop.Pending);
        loop.Invoke();
        Assert.Equal(Events.Read, seen);

        Assert.Equal("revents", Assert.Throws<ArgumentException>(() => loop.FeedFdEvent(read, Events.Timer)).ParamName);
        io.Stop();
        loop.FeedFdEvent(read, Events.Read);
        Assert.Equal(0, loop.Pending);
        Posix.Close(read, write);
    }

    [Fact]
    public void FeedSignalEvent_reaches_only_the_watchers_of_this_loop()
    {
        Loop loop = NewLoop();
        Loop other = NewLoop();
        var log = new List<string>();
        loop.Signal(Signum.SIGUSR1, (_, e) => log.Add($"A {e}")).Start();
        loop.Signal(Signum.SIGUSR1, (_, e) => log.Add($"B {e}")).Start();
        other.Signal(Signum.SIGUSR2, (_, _) => log.Add("other")).Start();

        loop.FeedSignalEvent(Signum.SIGUSR2);
        other.FeedSignalEvent(Signum.SIGUSR1);
        loop.FeedSignalEvent(Signum.SIGHUP);
        Assert.Equal((0, 0), (loop.Pending, other.Pending));

        loop.FeedSignalEvent(Signum.SIGUSR1);
        loop.FeedSignalEvent(Signum.SIGUSR1);
        Assert.Equal(2, loop.Pending);
        loop.Invoke();
        Assert.Equal(["A Signal", "B Signal"], log);
    }

    [Fact]
    public void FeedSignalEvent_takes_a_PosixSignal_too()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Signal(Signum.SIGHUP, (_, _) => calls++).Start();
        loop.FeedSignalEvent(PosixSignal.SIGHUP);
        loop.Invoke();
        Assert.Equal(1, calls);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65)]
    [InlineData(int.MaxValue)]
    public void FeedSignalEvent_refuses_numbers_that_are_not_signals(int signum)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.FeedSignalEvent(signum));
    }

    // -- Verify (AbiTests has the test that it aborts on corruption) ----------------------------------------------------

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Verify_finds_a_busy_loop_healthy(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        var random = new Random(5);

        for (int i = 0; i < 50; i++)
        {
            loop.Timer(random.NextDouble() * 100, 0, (_, _) => { }).Start();
            loop.Periodic(random.NextDouble() * 100, 1 + random.NextDouble(), (_, _) => { }).Start();
            loop.Io(read, Events.Read, (_, _) => { }).Start();
            loop.Idle((w, _) => w.Stop(), priority: i % 5 - 2).Start();
            loop.Check((_, _) => loop.Verify()).Start();
            loop.Prepare((_, _) => loop.Verify()).Start();
            loop.Verify();
        }

        loop.Start(RunFlags.NoWait);
        loop.Verify();
        loop.Dispose();
        Posix.Close(read, write);
    }

    [Fact]
    public void Timers_do_not_count_the_time_between_the_outermost_Suspend_and_its_Resume()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(1000, 0, (_, _) => { });
        timer.Start();
        double before = timer.Remaining;
        loop.Suspend();
        Thread.Sleep(50);
        loop.Suspend();
        Thread.Sleep(50);
        double now = loop.Now();
        Assert.Equal(now, loop.Now(update: true)); // the time stands
        loop.Resume();
        Thread.Sleep(50);
        loop.Resume();
        Assert.InRange(before - timer.Remaining, 0, 0.04);
        Assert.InRange(loop.Now() - now, 0.149, Patience);
    }

    /// <summary>Before a poll, libev sleeps for IoInterval. What is then left until the timer is due may be a rounding error. TimeoutInterval
    /// may be as short.</summary>
    [Theory, MemberData(nameof(AllBackends))]
    public void A_wait_that_is_shorter_than_the_clock_can_tell_ends(Backends backend)
    {
        const int Enough = 100;
        Loop loop = NewLoop(backend);
        int fired = 0;
        Timer timer = loop.Timer(0.01, 0.01, (t, _) =>
        {
            if (++fired == Enough)
            {
                loop.Stop();
            }

            t.Restart();
        });
        loop.IoInterval = 0.01;
        loop.TimeoutInterval = 1e-13;
        timer.Start();
        var thread = new Thread(() => Record.Exception(() => loop.Start()));
        thread.Start();
        bool hasEnded = thread.Join(TimeSpan.FromSeconds(Patience));
        loop.Stop();
        thread.Join();
        Assert.True(hasEnded, $"hangs after {fired} calls");
    }
}
