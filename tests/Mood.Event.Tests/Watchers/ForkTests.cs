using System;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Fork: calls after the loop was reset. A .NET process cannot fork and continue in the child, so the tests call Loop.Reset,
/// which does what the loop would do in the child.
/// </summary>
public sealed class ForkTests : LoopTestBase
{
    private static readonly Action<Fork, Events> s_nothing = (_, _) => { };

    [Fact]
    public void A_fork_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Fork(loop, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Fork fork in new[] { new Fork(loop, s_nothing, data, 1), loop.Fork(s_nothing, data, 1) })
        {
            WatcherContract.Has(fork, data, 1);
            Assert.Same(loop, fork.Loop);
            Assert.Same(s_nothing, fork.Callback);
            Assert.Throws<ArgumentNullException>(() => fork.Callback = null);
            Assert.Same(s_nothing, fork.Callback);
            fork.Dispose();
        }
    }

    [Fact]
    public void Null_and_a_disposed_loop_are_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Fork(null!, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Fork(loop, null!));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Fork(s_nothing));
    }

    [Fact]
    public void A_disposed_fork_watcher_keeps_its_getters_only() => WatcherContract.Dispose(NewLoop().Fork(s_nothing));

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Fork fork = NewLoop().Fork((_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(fork, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_once_after_a_reset(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Events seen = Events.None;
        loop.Fork((_, e) =>
        {
            calls++;
            seen = e;
        }).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);

        loop.Reset();
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        Assert.Equal(Events.Fork, seen);

        loop.Reset();
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(2, calls);
    }

    // libev looks for a reset before it calls the watchers of Prepare.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_once_after_a_reset_in_a_prepare(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int forks = 0, prepares = 0;
        loop.Fork((_, _) => forks++).Start();
        loop.Prepare((_, _) =>
        {
            if (prepares++ == 0)
            {
                loop.Reset();
            }
        }).Start();
        loop.Timer(1000, 0, (_, _) => { }).Start();
        loop.Start(RunFlags.Once); // does not wait for the timer
        Assert.Equal(1, forks);
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, forks);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_once_after_a_reset_in_a_prepare_that_stops_or_runs_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int forks = 0;
        Action[] after = [() => loop.Stop(), () => loop.Start(RunFlags.NoWait), () => { }];
        Prepare prepare = loop.Prepare((w, _) =>
        {
            w.Stop();
            loop.Reset();
            after[(int)w.Data!]();
        });
        loop.Fork((_, _) => forks++).Start();

        for (int i = 0; i < after.Length; i++)
        {
            prepare.Data = i;
            prepare.Start();

            for (int n = 0; n < 3; n++)
            {
                loop.Start(RunFlags.NoWait);
            }

            Assert.Equal(i + 1, forks);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_once_after_a_reset_in_a_run_that_a_prepare_has_begun(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int forks = 0;
        loop.Fork((_, _) => forks++).Start();
        Check check = loop.Check((w, _) =>
        {
            w.Stop();
            loop.Reset();
        });
        loop.Prepare((w, _) =>
        {
            w.Stop();
            check.Start();
            loop.Start(RunFlags.NoWait);
        }).Start();

        for (int n = 0; n < 3; n++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.Equal(1, forks);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_once_after_a_reset_in_a_callback_that_has_run_the_loop(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int forks = 0;
        loop.Fork((_, _) => forks++).Start();
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Start(RunFlags.NoWait);
            loop.Reset();
        }).Start();

        for (int n = 0; n < 4; n++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.Equal(1, forks);
    }

    // The kernel still watches the closed file, because the file has a duplicate. epoll then reports events of an fd that cannot
    // be removed.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_not_called_when_the_loop_replaces_its_epoll_fd_after_events_of_a_closed_fd(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        (int other, int otherWrite) = Posix.Pipe();
        int forks = 0, reads = 0;
        loop.Fork((_, _) => forks++).Start();
        Io io = loop.Io(read, Events.Read, (_, _) => reads += Posix.Read(read));
        io.Start();
        loop.Start(RunFlags.NoWait);
        io.Stop();
        loop.Start(RunFlags.NoWait);
        int duplicate = Posix.Duplicate(read);
        Posix.Replace(read, with: other);

        try
        {
            io.Start();
            Posix.Write(write);

            for (int i = 0; i < 5; i++)
            {
                loop.Start(RunFlags.NoWait);
            }

            Assert.Equal(0, reads);
            Posix.Write(otherWrite);
            loop.Start(RunFlags.Once);
            loop.Start(RunFlags.NoWait);
            Assert.Equal((0, 1), (forks, reads));
        }
        finally
        {
            loop.Dispose();
            Posix.Close(read, write, other, otherWrite, duplicate);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_fork_watcher_is_called_before_prepare_and_check(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        loop.Check((_, _) => log += "C").Start();
        loop.Prepare((_, _) => log += "P", priority: 2).Start();
        loop.Fork((_, _) => log += "F", priority: -2).Start();
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal("FPC", log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void The_other_watchers_work_after_a_reset(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        int reads = 0, asyncs = 0, timers = 0, forks = 0;
        Io io = loop.Io(read, Events.Read, (_, _) =>
        {
            reads++;
            Posix.Read(read);
        });
        io.Start();
        Async async = loop.Async((_, _) => asyncs++);
        async.Start();
        loop.Fork((_, _) => forks++).Start();

        for (int i = 1; i <= 3; i++)
        {
            loop.Reset();
            Posix.Write(write);
            async.Send();
            Timer timer = loop.Timer(0.005, 0, (_, _) => timers++);
            timer.Start();

            while (reads < i || asyncs < i || timers < i)
            {
                Assert.True(loop.Start(RunFlags.Once));
            }

            Assert.Equal((i, i, i), (reads, asyncs, timers));
            Assert.InRange(forks, i, int.MaxValue);
            timer.Dispose();
        }

        io.Stop();
        async.Stop();
        Posix.Close(read, write);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_reset_does_not_change_the_reference_count(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Fork fork = loop.Fork(s_nothing);
        fork.KeepAlive = false;
        fork.Start();

        for (int i = 0; i < 3; i++)
        {
            loop.Reset();
            Assert.False(loop.Start());
        }

        fork.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
        fork.Stop();
        Assert.False(loop.Start());
        fork.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void With_ForkCheck_a_fork_watcher_is_not_called_without_a_fork(Backends backend)
    {
        Loop loop = NewLoop(backend, LoopFlags.ForkCheck);
        int calls = 0;
        loop.Fork((_, _) => calls++).Start();
        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    // libev makes a new timerfd in a reset, and computes the times of all periodics again.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_that_is_due_at_a_reset_is_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Periodic(loop.Now(update: true) + 0.02, 3600, (_, _) => calls++).Start();
        loop.Start(RunFlags.NoWait);
        Ev.Sleep(0.05);
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    // libev computes these times once more in the callback of the new timerfd, which is the last one of the iteration.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_that_becomes_due_in_the_iteration_of_a_reset_is_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var clock = new TestClock(loop);
        int calls = 0, schedules = 0;
        loop.Periodic(clock.Wall + 0.5, 3600, (_, _) => calls++).Start();
        double due = clock.Wall + 0.5;
        loop.Scheduler((_, now) => now < due ? due : now + 3600, (_, _) => schedules++).Start();
        loop.Start(RunFlags.NoWait);
        Check late = loop.Check((w, _) =>
        {
            clock.Pass(1);
            w.Stop();
        });
        late.Start();
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal((1, 1), (calls, schedules));
        clock.Run(1);
        Assert.Equal((1, 1), (calls, schedules));
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_whose_time_the_wall_clock_skips_is_not_called_after_a_reset(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var clock = new TestClock(loop);
        int calls = 0;
        loop.Periodic(clock.Wall + 100, 3600, (_, _) => calls++).Start();
        loop.Start(RunFlags.NoWait);
        clock.Step(200);
        loop.Reset();
        loop.Start(RunFlags.NoWait);
        clock.Run(1);
        Assert.Equal(0, calls);
    }

    // libev reads the wall clock in the reset, and not again for half a second.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_loop_that_notices_a_step_of_the_wall_clock_in_a_reset_does_not_go_back_to_the_old_time(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var clock = new TestClock(loop);
        int calls = 0;
        loop.Periodic(clock.Wall + 60, 120, (_, _) => calls++).Start();
        loop.Start(RunFlags.NoWait);

        foreach (double step in new[] { 7200.0, -7200.0, -7200.0 })
        {
            clock.Step(step);
            loop.Reset();
            loop.Start(RunFlags.NoWait);

            // elsewhere no timerfd tells the step, and the loop notices it half a second later
            if (OperatingSystem.IsLinux())
            {
                Assert.InRange(loop.Now(), clock.Wall - 0.001, clock.Wall + 0.001);
            }

            loop.Start(RunFlags.NoWait);
            Assert.Equal(0, calls);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_failure_of_a_reschedule_function_in_a_reset_is_reported_before_the_loop_waits(Backends backend)
    {
        Loop loop = NewLoop(backend);
        bool fails = false, waited = false;
        Exception? thrown = null;
        loop.CallbackException += (_, e) =>
        {
            thrown = e.Exception;
            loop.Stop();
        };
        loop.Scheduler((_, now) => fails ? throw new FormatException() : now + 3600, (_, _) => { }).Start();
        loop.Timer(2, 0, (_, _) => waited = true).Start();
        loop.Start(RunFlags.NoWait);
        fails = true;
        loop.Reset();
        loop.Start();
        Assert.IsType<FormatException>(thrown);
        Assert.False(waited);
    }

    [Fact]
    public void A_stopped_fork_watcher_is_not_called()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Fork fork = loop.Fork((_, _) => calls++);
        fork.Start();
        loop.Reset();
        fork.Stop();
        loop.Start(RunFlags.NoWait);
        fork.Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
    }
}
