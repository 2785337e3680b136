using System;
using System.Diagnostics;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Prepare: calls before the loop waits.</summary>
public sealed class PrepareTests : LoopTestBase
{
    private static readonly Action<Prepare, Events> s_nothing = (_, _) => { };

    [Fact]
    public void A_prepare_watcher_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Prepare(loop, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Prepare prepare in new[] { new Prepare(loop, s_nothing, data, 1), loop.Prepare(s_nothing, data, 1) })
        {
            WatcherContract.Has(prepare, data, 1);
            Assert.Same(loop, prepare.Loop);
            Assert.Same(s_nothing, prepare.Callback);
            Assert.Throws<ArgumentNullException>(() => prepare.Callback = null);
            Assert.Same(s_nothing, prepare.Callback);
            prepare.Dispose();
        }
    }

    [Fact]
    public void Null_and_a_disposed_loop_are_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Prepare(null!, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Prepare(loop, null!));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Prepare(s_nothing));
    }

    [Fact]
    public void A_disposed_prepare_watcher_keeps_its_getters_only() => WatcherContract.Dispose(NewLoop().Prepare(s_nothing));

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Prepare prepare = NewLoop().Prepare((_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(prepare, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_prepare_is_called_in_every_iteration(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Events seen = Events.None;
        loop.Prepare((_, e) =>
        {
            calls++;
            seen |= e;
        }).Start();

        for (int i = 1; i <= 3; i++)
        {
            Assert.True(loop.Start(RunFlags.NoWait));
            Assert.Equal(i, calls);
        }

        Assert.Equal(Events.Prepare, seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_watcher_that_a_prepare_starts_is_called_in_the_same_iteration(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        Posix.Write(write);
        string log = "";
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            log += "io";
            w.Stop();
        });

        loop.Prepare((w, _) =>
        {
            w.Stop();
            io.Start();
        }).Start();

        Assert.False(loop.Start(RunFlags.Once));
        Assert.Equal("io", log);
        Assert.Equal(1u, loop.Iteration);
        io.Dispose();
        Posix.Close(read, write);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_prepare_is_called_before_the_loop_waits(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var watch = new Stopwatch();
        loop.Prepare((w, _) =>
        {
            w.Stop();
            watch.Start();
            loop.Now(update: true);
            loop.Timer(0.03, 0, (_, _) => watch.Stop()).Start();
        }).Start();
        Assert.False(loop.Start());
        Assert.False(watch.IsRunning);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.03, Patience);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_stop_in_a_prepare_ends_Start_before_the_loop_waits(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0, checks = 0;
        loop.Prepare((_, _) =>
        {
            calls++;
            loop.Stop();
        }).Start();
        loop.Check((_, _) => checks++).Start();

        Assert.True(loop.Start());
        Assert.Equal((1, 0, 0u), (calls, checks, loop.Iteration));
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal((2, 0, 0u), (calls, checks, loop.Iteration));
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Without_KeepAlive_a_prepare_does_not_keep_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Prepare prepare = loop.Prepare((w, _) =>
        {
            calls++;
            w.KeepAlive = false;
        });
        prepare.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.True(prepare.IsActive);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void One_iteration_is_run_even_if_nothing_keeps_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        Watcher[] watchers =
        [
            loop.Idle((_, _) => log += "I"), loop.Check((_, _) => log += "C"), loop.Prepare((_, _) => log += "P"),
        ];

        foreach (Watcher watcher in watchers)
        {
            watcher.KeepAlive = false;
            watcher.Start();
        }

        Assert.False(loop.Start());
        Assert.Equal("PCI", log);
        Assert.Equal(1u, loop.Iteration);
    }

    [Fact]
    public void Several_prepares_are_called_by_priority()
    {
        Loop loop = NewLoop();
        string log = "";

        foreach (int priority in new[] { 0, -2, 2, -1, 1 })
        {
            loop.Prepare((w, _) => log += w.Priority, priority: priority).Start();
        }

        loop.Start(RunFlags.NoWait);
        Assert.Equal("210-1-2", log);
    }

    [Fact]
    public void A_prepare_may_dispose_itself_and_others()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Prepare low = loop.Prepare((_, _) => calls += 100, priority: -1);
        low.Start();
        loop.Prepare((w, _) =>
        {
            calls++;
            low.Dispose();
            w.Dispose();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }
}
