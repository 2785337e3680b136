using System;
using System.Collections.Generic;
using System.Diagnostics;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Idle: calls while no watcher of its priority is pending.</summary>
public sealed class IdleTests : LoopTestBase
{
    private static readonly Action<Idle, Events> s_nothing = (_, _) => { };

    [Fact]
    public void An_idle_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Idle(loop, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Idle idle in new[] { new Idle(loop, s_nothing, data, -2), loop.Idle(s_nothing, data, -2) })
        {
            WatcherContract.Has(idle, data, -2);
            Assert.Same(loop, idle.Loop);
            Assert.Same(s_nothing, idle.Callback);
            idle.Dispose();
        }

        Assert.Null(new Idle(loop).Callback);
        Assert.Null(loop.Idle().Callback);
    }

    [Fact]
    public void Null_and_a_disposed_loop_are_refused_and_a_null_callback_is_not()
    {
        Assert.Throws<ArgumentNullException>("loop", () => new Idle(null!));
        Loop loop = NewLoop();
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Idle());
    }

    [Fact]
    public void A_disposed_idle_watcher_keeps_its_getters_only() => WatcherContract.Dispose(NewLoop().Idle(s_nothing));

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Idle idle = NewLoop().Idle((_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(idle, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void An_idle_watcher_is_called_in_every_iteration_without_other_events(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Events seen = Events.None;
        Idle idle = loop.Idle((w, e) =>
        {
            seen |= e;

            if (++calls == 5)
            {
                w.Stop();
            }
        });
        idle.Start();
        Assert.False(loop.Start());
        Assert.Equal((5, 5u), (calls, loop.Iteration));
        Assert.Equal(Events.Idle, seen);
        idle.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void An_idle_watcher_without_a_callback_keeps_the_loop_from_waiting_too(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Idle idle = loop.Idle();
        idle.Start();
        loop.Timer(Patience / 2, 0, (_, _) => { }).Start();
        var watch = Stopwatch.StartNew();

        for (int i = 0; i < 10; i++)
        {
            Assert.True(loop.Start(RunFlags.Once));
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, Patience / 4);
        Assert.Equal(10u, loop.Iteration);
    }

    [Fact]
    public void The_callback_can_be_removed_and_set_while_the_watcher_is_active()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Idle idle = loop.Idle((_, _) => calls++);
        idle.Start();
        loop.Start(RunFlags.NoWait);
        idle.Callback = null;
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
        idle.Callback = (_, _) => calls += 10;
        loop.Start(RunFlags.NoWait);
        Assert.Equal(11, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_pending_event_of_the_same_priority_postpones_an_idle_watcher(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        loop.Idle((_, _) => log += "I").Start();
        loop.Timer(0, 0, (_, _) => log += "T").Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal("T", log);
        loop.Start(RunFlags.NoWait);
        Assert.Equal("TI", log);
    }

    [Theory]
    [InlineData(1, "T", "TI")]
    [InlineData(0, "T", "TI")]
    [InlineData(-1, "IT", "ITI")]
    public void Only_events_of_the_same_or_a_higher_priority_postpone_an_idle_watcher(int timer, string first, string second)
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Idle((_, _) => log += "I").Start();
        loop.Timer(0, 0, (_, _) => log += "T", priority: timer).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(first, log);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(second, log);
    }

    // libev's io_uring has a timerfd, whose events have the lowest priority too.
    [Theory, MemberData(nameof(AllBackends))]
    public void An_idle_watcher_of_the_lowest_priority_is_called_in_every_iteration_without_other_events(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0, expired = 0;
        using Timer timer = loop.Timer(0.005, 0, (_, _) => expired++);
        timer.Start();

        while (expired == 0)
        {
            loop.Start(RunFlags.Once); // waits for the timer
        }

        loop.Start(RunFlags.NoWait);
        using Idle idle = loop.Idle((_, _) => calls++, priority: Ev.MinPriority);
        idle.Start();

        for (int i = 0; i < 20; i++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.Equal(20, calls);
    }

    [Fact]
    public void Only_idle_watchers_of_the_highest_priority_are_called()
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Idle((_, _) => log += "l", priority: -1).Start();
        Idle first = loop.Idle((_, _) => log += "h", priority: 1), second = loop.Idle((_, _) => log += "H", priority: 1);
        first.Start();
        second.Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(2, log.Length);
        Assert.Contains('h', log);
        Assert.Contains('H', log);
        first.Stop();
        second.Stop();
        loop.Start(RunFlags.NoWait);
        Assert.Equal('l', log[2]);
        Assert.Equal(3, log.Length);
        first.Dispose();
        second.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_timer_started_with_an_idle_watcher_in_an_idle_callback_runs_first(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        loop.Idle((w, _) =>
        {
            log += "i";
            w.Stop();
            loop.Idle((inner, _) =>
            {
                log += "I";
                inner.Stop();
            }).Start();
            loop.Timer(0, 0, (_, _) => log += "T").Start();
        }).Start();

        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal("i", log);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal("iT", log);
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal("iTI", log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void An_idle_watcher_does_not_starve_other_watchers(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<char>();
        int timers = 0;
        loop.Idle((_, _) => log.Add('I')).Start();
        loop.Check((_, _) => log.Add('C')).Start();
        loop.Prepare((_, _) => log.Add('P')).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(['P', 'C', 'I'], log);

        loop.Timer(0.01, 0, (_, _) =>
        {
            timers++;
            loop.Stop();
        }).Start();
        Assert.True(loop.Start());
        Assert.Equal(1, timers);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Without_KeepAlive_an_idle_watcher_does_not_keep_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Idle idle = loop.Idle((_, _) => calls++);
        idle.KeepAlive = false;
        idle.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.True(idle.IsActive);
        idle.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
    }
}
