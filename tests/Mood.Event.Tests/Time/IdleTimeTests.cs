using System;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Timers that are started while the loop does not run count from the current time, not from the time of the last
/// iteration.</summary>
public sealed class IdleTimeTests : LoopTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_timer_that_is_started_long_after_a_Start_counts_from_now(Backends backend)
    {
        Loop loop = NewLoop(backend);
        loop.Start(RunFlags.NoWait);
        Thread.Sleep(100);
        double begun = Ev.Time(), fired = 0;
        loop.Timer(0.08, 0, (_, _) => fired = Ev.Time()).Start();
        loop.Start();
        Assert.InRange(fired - begun, 0.075, Patience);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Reset_counts_from_now(bool active)
    {
        Loop loop = NewLoop();
        loop.Start(RunFlags.NoWait);
        double fired = 0;
        Timer timer = loop.Timer(0.08, 0.08, (w, _) =>
        {
            fired = Ev.Time();
            w.Stop();
        });

        if (active)
        {
            timer.Start();
        }

        Thread.Sleep(100);
        double begun = Ev.Time();
        timer.Reset();
        loop.Start();
        Assert.InRange(fired - begun, 0.075, Patience);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void A_reschedule_function_gets_the_time_of_the_clock(bool reset)
    {
        Loop loop = NewLoop(flags: LoopFlags.NoTimerFd); // with a timerfd, libev itself would read the clock
        loop.Start(RunFlags.NoWait);
        Thread.Sleep(100);
        double begun = Ev.Time(), now = 0;
        Scheduler scheduler = loop.Scheduler(
            (_, time) =>
            {
                now = time;
                return time + 1000;
            },
            (_, _) => { });

        if (reset)
        {
            scheduler.Reset();
        }
        else
        {
            scheduler.Start();
        }

        Assert.InRange(now, begun - 0.005, begun + Patience);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void The_first_due_time_of_a_periodic_is_not_before_its_start(bool reset)
    {
        Loop loop = NewLoop(flags: LoopFlags.NoTimerFd);
        loop.Start(RunFlags.NoWait);
        Thread.Sleep(100);
        double begun = Ev.Time();
        Periodic periodic = loop.Periodic(0, 0.05, (_, _) => { });

        if (reset)
        {
            periodic.Reset();
        }
        else
        {
            periodic.Start();
        }

        Assert.InRange(periodic.At, begun - 0.005, begun + Patience);
    }

    [Fact]
    public void In_a_callback_a_timer_counts_from_the_time_of_the_iteration()
    {
        Loop loop = NewLoop();
        double started = 0, fired = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            Thread.Sleep(50);
            started = Ev.Time();
            loop.Timer(0.05, 0, (_, _) => fired = Ev.Time()).Start();
        }).Start();
        loop.Start();
        Assert.InRange(fired - started, 0, 0.049);
    }

    [Fact]
    public void The_time_of_a_suspended_loop_stands_still()
    {
        Loop loop = NewLoop();
        loop.Suspend();
        double before = loop.Now();
        Thread.Sleep(20);
        loop.Timer(1, 0, (_, _) => { }).Start();
        Assert.Equal(before, loop.Now());
        loop.Resume();
    }
}
