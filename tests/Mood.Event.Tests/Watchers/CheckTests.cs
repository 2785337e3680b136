using System;
using System.Collections.Generic;
using System.Diagnostics;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Check: calls after the loop has waited.</summary>
public sealed class CheckTests : LoopTestBase
{
    private static readonly Action<Check, Events> s_nothing = (_, _) => { };

    [Fact]
    public void A_check_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Check(loop, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Check check in new[] { new Check(loop, s_nothing, data, 1), loop.Check(s_nothing, data, 1) })
        {
            WatcherContract.Has(check, data, 1);
            Assert.Same(loop, check.Loop);
            Assert.Same(s_nothing, check.Callback);
            Assert.Throws<ArgumentNullException>(() => check.Callback = null);
            Assert.Same(s_nothing, check.Callback);
            check.Dispose();
        }
    }

    [Fact]
    public void Null_and_a_disposed_loop_are_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Check(null!, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Check(loop, null!));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Check(s_nothing));
    }

    [Fact]
    public void A_disposed_check_watcher_keeps_its_getters_only() => WatcherContract.Dispose(NewLoop().Check(s_nothing));

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Check check = NewLoop().Check((_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(check, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_check_is_called_in_every_iteration_after_the_prepare(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<(Events, uint)>();
        loop.Check((_, e) => log.Add((e, loop.Iteration))).Start();
        loop.Prepare((_, e) => log.Add((e, loop.Iteration))).Start();

        for (int i = 0; i < 3; i++)
        {
            Assert.True(loop.Start(RunFlags.NoWait));
        }

        // The iteration is counted between the Prepare and the Check.
        Assert.Equal(
            [
                (Events.Prepare, 0u), (Events.Check, 1u),
                (Events.Prepare, 1u), (Events.Check, 2u),
                (Events.Prepare, 2u), (Events.Check, 3u),
            ],
            log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_check_is_called_after_the_loop_has_waited(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var watch = Stopwatch.StartNew();
        double waited = 0;
        loop.Now(update: true);
        loop.Timer(0.03, 0, (_, _) => { }).Start();
        loop.Check((w, _) =>
        {
            waited = watch.Elapsed.TotalSeconds;
            w.Stop();
        }).Start();
        loop.Start(RunFlags.Once);

        // The backend may end the wait slightly early.
        Assert.InRange(waited, 0.01, Patience);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_check_is_called_before_events_of_its_priority_and_after_events_of_a_higher_one(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        loop.Timer(0, 0, (_, _) => log += "t").Start();
        loop.Timer(0, 0, (_, _) => log += "T", priority: 1).Start();
        loop.Check((_, _) => log += "C").Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal("TCt", log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_stop_in_a_check_ends_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Idle().Start();
        loop.Check((_, _) =>
        {
            if (++calls == 3)
            {
                loop.Stop();
            }
        }, priority: -1).Start();
        Assert.True(loop.Start());
        Assert.Equal((3, 3u), (calls, loop.Iteration));
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Without_KeepAlive_a_check_does_not_keep_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Check check = loop.Check((_, _) => calls++);
        check.KeepAlive = false;
        check.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        check.KeepAlive = true;
        Assert.True(loop.Start(RunFlags.NoWait));
        check.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal(2, calls);
        check.Dispose();
    }
}
