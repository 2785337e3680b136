using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The rules that watchers of all kinds follow.</summary>
public sealed class WatcherTests : AnyWatcherTestBase
{
    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_new_watcher_is_neither_active_nor_pending(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });
        Watcher w = any.Watcher;
        Assert.Equal(kind, w.GetType().Name);
        Assert.Same(loop, w.Loop);
        Assert.Equal((false, false, true, false), (w.IsActive, w.IsPending, w.KeepAlive, w.Fatal));
        Assert.Equal(kind == nameof(Child) ? Ev.MaxPriority : 0, w.Priority);
        Assert.Null(w.Data);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void The_callback_gets_the_event_of_its_watcher(string kind)
    {
        Loop loop = LoopFor(kind);
        Watcher? seen = null;
        Events revents = Events.None;
        using var any = new AnyWatcher(loop, kind, (w, e) =>
        {
            seen = w;
            revents = e;
            w.Stop();
        });
        StartAndTrigger(any);
        Assert.False(loop.Start());
        Assert.Same(any.Watcher, seen);
        Assert.Equal(any.Expected, revents);
        Assert.False(any.Watcher.IsActive);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Start_and_Stop_are_idempotent(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });

        for (int i = 0; i < 3; i++)
        {
            any.Watcher.Start();
            Assert.True(any.Watcher.IsActive);
            any.Watcher.Start();
            Assert.True(any.Watcher.IsActive);
            Assert.True(IsKeptAlive(loop));
            any.Watcher.Stop();
            Assert.Equal((false, false), (any.Watcher.IsActive, any.Watcher.IsPending));
            any.Watcher.Stop();
            Assert.False(any.Watcher.IsActive);
            AssertNoReferences(loop);
        }

        loop.Verify();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_stopped_watcher_is_not_called(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (_, _) => calls++);
        StartAndTrigger(any);
        any.Watcher.Stop();
        loop.Timer(0.05, 0, (_, _) => { }).Start();
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_watcher_that_was_stopped_and_started_again_is_called(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        any.Watcher.Start();
        any.Watcher.Stop();
        StartAndTrigger(any);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    // -- Feed, Clear, Invoke ------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Feed_makes_an_inactive_watcher_pending_and_combines_the_events_of_several_calls(string kind)
    {
        Loop loop = LoopFor(kind);
        var seen = new List<Events>();
        using var any = new AnyWatcher(loop, kind, (_, e) => seen.Add(e));
        any.Watcher.Feed(Events.Custom);
        any.Watcher.Feed(Events.Timer);
        Assert.Equal((true, false, 1), (any.Watcher.IsPending, any.Watcher.IsActive, loop.Pending));
        Assert.Empty(seen);
        Assert.False(loop.Start());
        Assert.Equal([Events.Custom | Events.Timer], seen);
        Assert.False(any.Watcher.IsPending);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Feed_of_an_active_watcher_leaves_it_active(string kind)
    {
        Loop loop = LoopFor(kind);
        Events seen = Events.None;
        using var any = new AnyWatcher(loop, kind, (_, e) => seen |= e);
        any.Watcher.Start();
        any.Watcher.Feed(Events.Custom);
        Assert.Equal((true, true), (any.Watcher.IsActive, any.Watcher.IsPending));
        loop.Invoke();
        Assert.Equal(Events.Custom, seen & Events.Custom);
        Assert.Equal((true, false), (any.Watcher.IsActive, any.Watcher.IsPending));
        any.Watcher.Stop();
        AssertNoReferences(loop);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Stop_discards_a_fed_event(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (_, _) => calls++);
        any.Watcher.Feed(Events.Custom);
        any.Watcher.Stop();
        Assert.Equal((false, 0), (any.Watcher.IsPending, loop.Pending));
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Clear_discards_the_event_and_returns_it(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (_, _) => calls++);
        Assert.Equal(Events.None, any.Watcher.Clear());
        any.Watcher.Feed(Events.Custom | Events.Write);
        Assert.Equal(Events.Custom | Events.Write, any.Watcher.Clear());
        Assert.False(any.Watcher.IsPending);
        Assert.Equal(Events.None, any.Watcher.Clear());
        loop.Invoke();

        any.Watcher.Start();
        any.Watcher.Clear(); // Start may have made a Child pending
        any.Watcher.Feed(Events.Custom);
        Assert.Equal(Events.Custom, any.Watcher.Clear());
        Assert.True(any.Watcher.IsActive);
        loop.Invoke();
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Invoke_calls_at_once_and_changes_no_state(string kind)
    {
        Loop loop = LoopFor(kind);
        var seen = new List<(Watcher, Events)>();
        using var any = new AnyWatcher(loop, kind, (w, e) => seen.Add((w, e)));
        Watcher w = any.Watcher;
        w.Invoke(Events.Custom);
        Assert.Equal((false, false), (w.IsActive, w.IsPending));
        w.Start();
        w.Invoke(Events.Custom);
        Assert.True(w.IsActive);
        w.Feed(Events.Write);
        w.Invoke(Events.Custom);
        Assert.Equal((true, true), (w.IsActive, w.IsPending));
        Assert.Equal([(w, Events.Custom), (w, Events.Custom), (w, Events.Custom)], seen);
        Assert.Equal(0u, loop.Iteration);
    }

    [Fact]
    public void A_callback_can_stop_the_other_pending_watchers()
    {
        Loop loop = NewLoop();
        var watchers = new List<Idle>();
        int calls = 0;

        // The first callback stops the other watchers.
        for (int i = 0; i < 3; i++)
        {
            watchers.Add(loop.Idle((w, _) =>
            {
                calls++;
                watchers.Where(other => other != w).ToList().ForEach(other => other.Stop());
            }));
        }

        watchers.ForEach(w => w.Feed(Events.Custom));
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    // -- Priority -----------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Priority_is_clamped_and_refused_while_active_or_pending(string kind)
    {
        bool child = kind == nameof(Child);
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { }, priority: -1);
        Watcher w = any.Watcher;
        Assert.Equal(child ? 2 : -1, w.Priority);

        foreach ((int asked, int got) in new[] { (1, 1), (-3, -2), (3, 2), (int.MinValue, -2), (int.MaxValue, 2), (0, 0) })
        {
            w.Priority = asked;
            Assert.Equal(child ? 2 : got, w.Priority);
        }

        w.Start();
        Assert.Throws<InvalidOperationException>(() => w.Priority = 1);
        w.Stop();
        w.Feed(Events.Custom);
        Assert.Throws<InvalidOperationException>(() => w.Priority = 1);
        w.Clear();
        w.Priority = 1;
        Assert.Equal(child ? 2 : 1, w.Priority);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_priority_given_to_the_constructor_is_clamped_too(string kind)
    {
        Loop loop = LoopFor(kind);
        using var high = new AnyWatcher(loop, kind, (_, _) => { }, priority: 100);
        using var low = new AnyWatcher(loop, kind, (_, _) => { }, priority: -100);
        Assert.Equal(2, high.Watcher.Priority);
        Assert.Equal(kind == nameof(Child) ? 2 : -2, low.Watcher.Priority);
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Higher_priorities_are_called_first(string kind)
    {
        Loop loop = LoopFor(kind);
        var log = new List<string>();
        int[] priorities = [0, -2, 2, 1, -1];
        Idle[] idles = [.. priorities.Select(p => loop.Idle((_, _) => log.Add($"{p}"), priority: p))];
        using var any = new AnyWatcher(loop, kind, (_, _) => log.Add("any"), priority: 2);
        any.Watcher.Feed(Events.Custom);
        Array.ForEach(idles, idle => idle.Feed(Events.Custom));
        loop.Invoke();
        Assert.Equal(["1", "0", "-1", "-2"], log[2..]);
        Assert.Equal(["2", "any"], log[..2].Order());
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Events_of_one_iteration_are_called_by_priority(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<int>();
        int[] priorities = [0, 2, -2, 1, -1];
        (int Read, int Write)[] pipes = [.. priorities.Select(_ => Posix.Pipe())];

        for (int i = 0; i < priorities.Length; i++)
        {
            int p = priorities[i];
            Posix.Write(pipes[i].Write);
            loop.Io(pipes[i].Read, Events.Read, (w, _) =>
            {
                log.Add(p);
                w.Stop();
            }, priority: p).Start();
        }

        Assert.False(loop.Start());
        Assert.Equal([2, 1, 0, -1, -2], log);
        Array.ForEach(pipes, p => Posix.Close(p.Read, p.Write));
    }

    // -- Data, Callback -----------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Data_can_be_read_in_the_callback_and_after_Dispose(string kind)
    {
        Loop loop = LoopFor(kind);
        object? seen = null;
        using var any = new AnyWatcher(loop, kind, (w, _) => seen = w.Data);
        object data = new();
        any.Watcher.Data = data;
        any.Watcher.Invoke(Events.Custom);
        Assert.Same(data, seen);
        any.Watcher.Dispose();
        Assert.Same(data, any.Watcher.Data);
        any.Watcher.Data = 5;
        Assert.Equal(5, any.Watcher.Data);
    }

    [Fact]
    public void Data_given_to_the_constructor_is_kept()
    {
        Loop loop = NewDefaultLoop();
        Loop other = NewLoop(Backends.Epoll);
        Watcher[] watchers =
        [
            loop.Io(0, Events.Read, (_, _) => { }, "data"), loop.Timer(0, 0, (_, _) => { }, "data"),
            loop.Periodic(0, 0, (_, _) => { }, "data"), loop.Scheduler((_, now) => now, (_, _) => { }, "data"),
            loop.Signal(Signum.SIGUSR1, (_, _) => { }, "data"), loop.Child(0, false, (_, _) => { }, "data"),
            loop.Stat("/", 0, (_, _) => { }, "data"), loop.Idle(null, "data"), loop.Prepare((_, _) => { }, "data"),
            loop.Check((_, _) => { }, "data"), loop.Embed(other, null, "data"), loop.Fork((_, _) => { }, "data"),
            loop.Async((_, _) => { }, "data"),
        ];
        Assert.All(watchers, w => Assert.Equal("data", w.Data));
        Assert.All(watchers, w => Assert.Same(loop, w.Loop));
        Assert.All(watchers, w => Assert.False(w.IsActive));
        Array.ForEach(watchers, w => w.Dispose());
    }

    [Fact]
    public void A_callback_replaced_while_active_is_used_from_the_next_event_on()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Timer timer = loop.Timer(0, 0.005, (w, _) =>
        {
            log.Add("old");
            w.Callback = (t, _) =>
            {
                log.Add("new");
                t.Stop();
            };
        });
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(["old", "new"], log);
    }

    [Fact]
    public void A_callback_replaced_while_pending_gets_the_event()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Idle idle = loop.Idle((_, _) => log.Add("old"));
        idle.Feed(Events.Custom);
        idle.Callback = (_, _) => log.Add("new");
        loop.Invoke();
        Assert.Equal(["new"], log);
    }

    [Fact]
    public void Only_Idle_and_Embed_may_have_no_callback()
    {
        Loop loop = NewDefaultLoop();
        Loop other = NewLoop(Backends.Epoll);
        Action[] refused =
        [
            () => loop.Io(0, Events.Read, null!), () => loop.Timer(0, 0, null!), () => loop.Periodic(0, 0, null!),
            () => loop.Scheduler((_, now) => now, null!), () => loop.Scheduler(null!, (_, _) => { }),
            () => loop.Signal(Signum.SIGUSR1, null!), () => loop.Child(0, false, null!), () => loop.Stat("/", 0, null!),
            () => loop.Prepare(null!), () => loop.Check(null!), () => loop.Fork(null!), () => loop.Async(null!),
            () => loop.Io(0, Events.Read, (_, _) => { }).Callback = null,
            () => loop.Timer(0, 0, (_, _) => { }).Callback = null,
            () => loop.Periodic(0, 0, (_, _) => { }).Callback = null,
            () => loop.Scheduler((_, now) => now, (_, _) => { }).Callback = null,
            () => loop.Signal(Signum.SIGUSR1, (_, _) => { }).Callback = null,
            () => loop.Child(0, false, (_, _) => { }).Callback = null,
            () => loop.Stat("/", 0, (_, _) => { }).Callback = null,
            () => loop.Prepare((_, _) => { }).Callback = null,
            () => loop.Check((_, _) => { }).Callback = null,
            () => loop.Fork((_, _) => { }).Callback = null,
            () => loop.Async((_, _) => { }).Callback = null,
        ];
        Assert.All(refused, action => Assert.Throws<ArgumentNullException>(action));

        Idle idle = loop.Idle((_, _) => { });
        idle.Callback = null;
        idle.Start();
        idle.Feed(Events.Custom);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.False(idle.IsPending);
        Embed embed = loop.Embed(other, (_, _) => { });
        embed.Callback = null;
        embed.Invoke(Events.Embed);
        Assert.Equal(1u, other.Iteration); // an Embed without a callback has swept the loop
    }

    [Fact]
    public void A_watcher_needs_a_loop()
    {
        Action[] refused =
        [
            () => new Io(null!, 0, Events.Read, (_, _) => { }), () => new Timer(null!, 0, 0, (_, _) => { }),
            () => new Periodic(null!, 0, 0, (_, _) => { }), () => new Scheduler(null!, (_, now) => now, (_, _) => { }),
            () => new Signal(null!, Signum.SIGUSR1, (_, _) => { }), () => new Child(null!, 0, false, (_, _) => { }),
            () => new Stat(null!, "/", 0, (_, _) => { }), () => new Idle(null!), () => new Prepare(null!, (_, _) => { }),
            () => new Check(null!, (_, _) => { }), () => new Embed(null!, NewLoop(Backends.Epoll)),
            () => new Fork(null!, (_, _) => { }), () => new Async(null!, (_, _) => { }), () => NewLoop().Embed(null!),
        ];
        Assert.All(refused, action => Assert.Throws<ArgumentNullException>(action));
    }

    // -- after Dispose ------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_disposed_watcher_refuses_changes_and_keeps_its_plain_state(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => Assert.Fail("The callback was called."));
        Watcher w = any.Watcher;
        w.Priority = -1;
        int priority = w.Priority; // the priority of a Child is always the highest
        w.Start();
        w.Feed(Events.Custom);
        w.Dispose();
        w.Dispose();
        w.Stop();
        Assert.Equal((false, false, true, priority), (w.IsActive, w.IsPending, w.KeepAlive, w.Priority));
        Assert.Same(loop, w.Loop);

        Action[] refused =
        [
            w.Start, () => w.Feed(Events.Custom), () => w.Clear(), () => w.Invoke(Events.Custom),
            () => w.Priority = 1, () => w.KeepAlive = false,
        ];
        Assert.All(refused, action => Assert.Throws<ObjectDisposedException>(action));
        loop.Verify();
        Assert.False(loop.Start());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_watcher_of_a_disposed_loop_refuses_changes_and_keeps_its_plain_state(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });
        Watcher w = any.Watcher;
        loop.Dispose(); // does not dispose the watcher, which is inactive
        w.Stop();
        Assert.Equal((false, false), (w.IsActive, w.IsPending));

        Action[] refused =
        [
            w.Start, () => w.Feed(Events.Custom), () => w.Clear(), () => w.Invoke(Events.Custom),
            () => w.Priority = 1, () => w.KeepAlive = false,
        ];
        Assert.All(refused, action => Assert.Throws<ObjectDisposedException>(action));
        w.Dispose();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_watcher_that_its_loop_disposed_keeps_its_plain_state(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { }, priority: -2);
        Watcher w = any.Watcher;
        int priority = w.Priority;
        w.KeepAlive = false;
        w.Fatal = true;
        w.Start();
        loop.Dispose(); // disposes an active watcher
        Assert.Equal((false, true, priority), (w.KeepAlive, w.Fatal, w.Priority));
        Assert.Throws<ObjectDisposedException>(w.Start);
    }

    [Fact]
    public void At_of_a_periodic_and_a_scheduler_keeps_its_value_after_Dispose()
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(1e10, 0, (_, _) => { });
        Scheduler scheduler = loop.Scheduler((_, _) => 1e11, (_, _) => { });
        periodic.Start();
        scheduler.Start();
        periodic.Dispose();
        scheduler.Dispose();
        Assert.Equal((1e10, 1e11), (periodic.At, scheduler.At));
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void Fatal_is_set_on_the_loops_thread_only(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });
        Exception? thrown = null;
        loop.Idle((w, _) =>
        {
            var thread = new System.Threading.Thread(() => thrown = Record.Exception(() => any.Watcher.Fatal = true));
            thread.Start();
            thread.Join();
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.IsType<InvalidOperationException>(thrown);
        Assert.False(any.Watcher.Fatal);
    }

    [Fact]
    public void The_members_of_each_kind_refuse_changes_after_Dispose()
    {
        Loop loop = NewDefaultLoop();
        Loop other = NewLoop(Backends.Epoll);
        Io io = loop.Io(0, Events.Read, (_, _) => { });
        Timer timer = loop.Timer(1, 2, (_, _) => { });
        Periodic periodic = loop.Periodic(3, 4, (_, _) => { });
        Scheduler scheduler = loop.Scheduler((_, now) => now, (_, _) => { });
        Signal signal = loop.Signal(Signum.SIGUSR1, (_, _) => { });
        Child child = loop.Child(0, false, (_, _) => { });
        Stat stat = loop.Stat("/", 5, (_, _) => { });
        Embed embed = loop.Embed(other);
        Async async = loop.Async((_, _) => { });
        Watcher[] watchers = [io, timer, periodic, scheduler, signal, child, stat, embed, async];
        Array.ForEach(watchers, w => w.Dispose());

        Action[] refused =
        [
            () => io.Set(0, Events.Write), () => io.Events = Events.Write,
            () => timer.Set(1, 1), timer.Reset, timer.Restart, () => timer.Restart(1), () => timer.Repeat = 1,
            () => periodic.Set(1, 1), periodic.Reset, () => periodic.Interval = 1, () => periodic.Set(DateTimeOffset.UtcNow),
            scheduler.Reset, () => signal.Set(Signum.SIGUSR2), () => child.Set(1, true),
            () => stat.Set("/", 1), stat.Refresh, () => embed.Set(other), embed.Sweep, async.Send,
        ];
        Assert.All(refused, action => Assert.Throws<ObjectDisposedException>(action));

        Assert.Equal((0, Events.Read), (io.Fd, io.Events));
        Assert.Equal((2.0, 0.0), (timer.Repeat, timer.Remaining));
        Assert.Equal((3.0, 4.0, 0.0), (periodic.Offset, periodic.Interval, periodic.At));
        Assert.Equal(0.0, scheduler.At);
        Assert.Equal(Signum.SIGUSR1, signal.Signum);
        Assert.Equal(0, child.Pid);
        Assert.Equal(("/", 5.0, false), (stat.Path, stat.Interval, stat.Attr.Exists || stat.Prev.Exists));
        Assert.Same(other, embed.Other);
        Assert.False(async.Sent);
    }
}
