using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Lifetimes: watchers and loops that are disposed in callbacks, dropped, or abandoned to the garbage collector.</summary>
public sealed class LifetimeTests : AnyWatcherTestBase
{
    // -- watchers -----------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_watcher_may_be_disposed_in_its_own_callback(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            calls++;
            w.Dispose();
            Collect(); // frees the watcher's memory before the callback has returned to libev
        });
        StartAndTrigger(any);
        Assert.False(loop.Start());
        Assert.Equal((1, false), (calls, any.Watcher.IsActive));
        loop.Verify();
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_callback_may_dispose_another_watcher_that_is_pending(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (_, _) => calls++, priority: -2);
        any.Watcher.Start();
        any.Watcher.Feed(Events.Custom);
        Assert.True(any.Watcher.IsPending);

        // The Prepare must be called first. Among equal priorities, the watcher that was fed last is called first, and a Child always has the
        // highest priority.
        loop.Prepare((w, _) =>
        {
            any.Watcher.Dispose();
            w.Dispose();
        }, priority: 2).Feed(Events.Prepare);

        Assert.False(loop.Start());
        Assert.Equal(0, calls);
        loop.Verify();
    }

    [Fact]
    public void A_hundred_thousand_disposed_timers_never_fire_and_leave_nothing_behind()
    {
        Loop loop = NewLoop();
        int calls = 0;
        (int loops, int watchers) = Live();
        Timer? timer = null;

        for (int i = 0; i < 100_000; i++)
        {
            timer?.Dispose();
            timer = loop.Timer(-1, 0, (_, _) => calls++);
            timer.Start();
        }

        Assert.Equal((loops, watchers + 1), Live());
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        timer!.Dispose();
        Assert.Equal((loops, watchers), Live());
    }

    [Fact]
    public void A_hundred_thousand_dropped_timers_never_fire_and_leave_nothing_behind()
    {
        Loop loop = NewLoop();
        int calls = 0;
        (int loops, int watchers) = Live();
        Drop(loop, () => calls++);
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (loops, watchers);
        }));

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Drop(Loop loop, Action call)
        {
            for (int i = 0; i < 100_000; i++)
            {
                loop.Timer(-1, 0, (_, _) => call());
            }
        }
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void An_active_watcher_needs_no_reference_to_be_called(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        WeakReference weak = StartAndForget(any);
        Collect();
        Assert.True(weak.IsAlive);
        any.Trigger();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Collect();
        Assert.False(weak.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference StartAndForget(AnyWatcher any)
        {
            any.Watcher.Start();
            return any.Forget();
        }
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_pending_watcher_needs_no_reference_to_be_called(string kind)
    {
        Loop loop = LoopFor(kind);
        Events seen = Events.None;
        using var any = new AnyWatcher(loop, kind, (_, e) => seen = e);
        WeakReference weak = FeedAndForget(any);
        Collect();
        Assert.True(weak.IsAlive);
        Assert.False(loop.Start());
        Assert.Equal(Events.Custom, seen);
        Collect();
        Assert.False(weak.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference FeedAndForget(AnyWatcher any)
        {
            any.Watcher.Feed(Events.Custom);
            return any.Forget();
        }
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_dropped_inactive_watcher_is_collected(string kind)
    {
        Loop loop = LoopFor(kind);
        using var any = new AnyWatcher(loop, kind, (_, _) => { });
        int watchers = Live().Watchers;
        WeakReference weak = UseAndForget(any);
        Collect();
        Assert.False(weak.IsAlive);
        Assert.Equal(watchers - 1, Live().Watchers);
        loop.Verify();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static WeakReference UseAndForget(AnyWatcher any)
        {
            any.Watcher.Start();
            any.Watcher.Feed(Events.Custom);
            any.Watcher.Stop();
            return any.Forget();
        }
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_garbage_collection_in_a_callback_is_harmless(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0;
        using var any = new AnyWatcher(loop, kind, (w, _) =>
        {
            for (int i = 0; i < 10; i++)
            {
                loop.Timer(1, 0, (_, _) => { });
            }

            Collect();
            calls++;
            w.Stop();
        });
        StartAndTrigger(any);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        loop.Verify();
    }

    // -- loops --------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void A_loop_disposed_in_a_callback_calls_no_further_watcher_and_is_closed_when_Start_returns(string kind)
    {
        Loop loop = LoopFor(kind);
        int calls = 0, later = 0;
        Timer[] others = [.. Enumerable.Range(0, 5).Select(_ => loop.Timer(0.001, 0.001, (_, _) => later++))];
        Idle low = loop.Idle((_, _) => later++, priority: -2);
        Check check = loop.Check((_, _) => later++, priority: -2);
        Exception? refused = null;
        using var any = new AnyWatcher(loop, kind, (_, _) =>
        {
            calls++;
            later = 0;
            loop.Dispose();
            loop.Dispose();
            refused = Record.Exception(others[0].Start);
        }, priority: 2);
        Array.ForEach(others, o => o.Start());
        low.Start();
        check.Start();
        StartAndTrigger(any);

        Assert.False(loop.Start());
        Assert.Equal((1, 0), (calls, later));
        Assert.IsType<ObjectDisposedException>(refused);
        Assert.False(any.Watcher.IsActive);
        Assert.All(others, o => Assert.Equal((false, false), (o.IsActive, o.IsPending)));
        Assert.Equal((false, false), (low.IsActive, check.IsActive));
        Assert.Throws<ObjectDisposedException>(() => loop.Start());
        Assert.Throws<ObjectDisposedException>(any.Watcher.Start);
    }

    [Fact]
    public void A_loop_disposed_in_a_nested_Start_ends_all_nested_Starts()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Timer(0, 1, (_, _) =>
            {
                loop.Dispose();
                log.Add("disposed");
            }).Start();
            loop.Start();
            log.Add("inner ended");
            Assert.Throws<ObjectDisposedException>(() => loop.Start());
        }).Start();
        loop.Timer(0.01, 0.01, (_, _) => log.Add("later")).Start();
        Assert.False(loop.Start());
        Assert.Equal(["disposed", "inner ended"], log);
    }

    [Fact]
    public void A_loop_disposed_in_Invoke_outside_Start_calls_no_further_watcher_and_is_closed_when_Invoke_returns()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Idle[] idles = [.. Enumerable.Range(0, 20).Select(_ => loop.Idle((_, _) =>
        {
            calls++;
            loop.Dispose();
        }))];
        Array.ForEach(idles, idle => idle.Feed(Events.Custom));
        loop.Invoke();
        Assert.Equal(1, calls);
        Assert.All(idles, idle => Assert.False(idle.IsPending));
        Assert.Throws<ObjectDisposedException>(loop.Invoke);
    }

    [Fact]
    public void A_loop_disposed_in_a_Start_inside_Invoke_is_closed_when_Invoke_returns()
    {
        Loop loop = NewLoop();
        string log = "";
        bool? more = null;
        loop.Idle((_, _) =>
        {
            loop.Timer(0, 1, (_, _) =>
            {
                loop.Dispose();
                log += "timer ";
                loop.Stop();
            }).Start();
            more = loop.Start();
            log += "first ";
        }, priority: 1).Feed(Events.Custom);
        loop.Idle((_, _) => log += "second ").Feed(Events.Custom);
        loop.Idle((w, _) => log += "idle ", priority: -1).Start(); // not called, because the timer's callback disposes the loop first
        loop.Invoke();
        Assert.False(more);
        Assert.Equal("second timer first ", log);
        Assert.Throws<ObjectDisposedException>(() => loop.Start());
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void A_loop_may_be_disposed_in_Callback_and_in_a_handler(bool handler)
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Timer(0, 1, (_, _) =>
        {
            calls++;
            throw new InvalidTimeZoneException();
        }).Start();

        if (handler)
        {
            loop.CallbackException += (_, _) => loop.Dispose();
        }
        else
        {
            loop.Callback = l => l.Dispose();
        }

        Assert.False(loop.Start());
        Assert.Equal(handler ? 1 : 0, calls);
        Assert.Throws<ObjectDisposedException>(() => loop.Start());
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_loop_disposed_with_active_watchers_of_all_kinds_leaves_nothing_behind(Backends backend)
    {
        for (int round = 0; round < 3; round++)
        {
            int fds = Posix.OpenFds();
            var loop = new Loop(LoopFlags.NoEnv, backend);
            AnyWatcher[] all = [.. AnyWatcher.Kinds.Where(k => k != nameof(Child)).Select(k => new AnyWatcher(loop, k, (_, _) => { }))];
            Array.ForEach(all, StartAndTrigger);
            loop.Start(RunFlags.NoWait);
            Assert.All(all, any => Assert.True(any.Watcher.IsActive));
            loop.Dispose();
            loop.Dispose();
            Assert.All(all, any => Assert.Equal((false, false), (any.Watcher.IsActive, any.Watcher.IsPending)));
            Array.ForEach(all, any => any.Dispose());
            Collect(); // collects the timer that the Trigger of the Check has made
            Assert.Equal((0, 0), Live());
            Assert.InRange(Posix.OpenFds(), 0, fds + (round == 0 ? 10 : 0)); // the runtime opens some fds when it first needs them
        }
    }

    [Fact]
    public void The_default_loop_disposed_with_active_watchers_of_all_kinds_leaves_nothing_behind()
    {
        for (int round = 0; round < 3; round++)
        {
            Loop loop = NewDefaultLoop();
            AnyWatcher[] all = [.. AnyWatcher.Kinds.Select(k => new AnyWatcher(loop, k, (_, _) => { }))];
            Array.ForEach(all, any => any.Watcher.Start());
            loop.Start(RunFlags.NoWait);
            loop.Dispose();
            loop.Dispose();
            Assert.All(all, any => Assert.False(any.Watcher.IsActive));
            Array.ForEach(all, any => any.Dispose());
            Assert.Equal((0, 0), Live());
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Abandoned_loops_are_collected_with_their_watchers_and_fds(Backends backend)
    {
        var resources = new List<AnyWatcher>();
        Collect(); // objects that earlier tests have left to the collector must not be counted
        int before = Posix.OpenFds();
        Abandon(backend, resources);
        int during = Posix.OpenFds();
        Assert.InRange(during - before, 20, int.MaxValue);
        Assert.InRange(Live().Loops, 10, 20); // includes the embedded loops
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (0, 0);
        }));
        resources.ForEach(any => any.Dispose());
        Collect();
        Assert.Equal((0, 0), Live());
        Assert.InRange(Posix.OpenFds(), 0, before + 10);

        // Another loop can watch the signal that an abandoned loop watched.
        Loop loop = NewLoop();
        loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start();

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Abandon(Backends backend, List<AnyWatcher> resources)
        {
            for (int i = 0; i < 10; i++)
            {
                var loop = new Loop(LoopFlags.NoEnv, backend);

                foreach (string kind in AnyWatcher.Kinds)
                {
                    // A signal can be watched by one loop only. A Child needs the default loop, which is never abandoned. The triggers of
                    // Fork, Check and Embed refer to a loop, which would not be abandoned.
                    if (kind is nameof(Child) or nameof(Fork) or nameof(Check) or nameof(Embed) || (kind == nameof(Signal) && i > 0))
                    {
                        continue;
                    }

                    var any = new AnyWatcher(loop, kind, static (_, _) => { });
                    any.Watcher.Start();
                    any.Trigger();
                    any.Forget();
                    resources.Add(any);
                }

                loop.Fork((_, _) => { }).Start();
                loop.Check((_, _) => { }).Start();
                var inner = new Loop(LoopFlags.NoEnv, Backends.Epoll);
                inner.Timer(1, 1, (_, _) => { }).Start();
                loop.Embed(inner).Start();
                loop.Start(RunFlags.NoWait);
            }
        }
    }

    [Fact]
    public void A_thousand_loops_leave_no_file_descriptor_behind()
    {
        Collect();
        int fds = Posix.OpenFds();

        for (int i = 0; i < 1000; i++)
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            loop.Timer(0, 0, (_, _) => { }).Start();
            loop.Periodic(0, 1, (_, _) => { }).Start();
            loop.Start(RunFlags.NoWait);
        }

        Assert.InRange(Posix.OpenFds(), 0, fds + 20);
    }

    [Fact]
    public void Finalizers_do_not_disturb_a_running_loop()
    {
        Loop loop = NewLoop();
        int ticks = 0, made = 0;
        bool over = false;
        var collector = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                Abandon();
                GC.Collect();
                GC.WaitForPendingFinalizers();
            }
        });
        loop.Timer(0, 0.0005, (w, _) =>
        {
            // These watchers have no references, and the timer was active. They are finalized while this loop runs.
            Timer timer = loop.Timer(1, 1, (_, _) => { });
            timer.Start();
            timer.Stop();
            loop.Io(0, Events.Read, (_, _) => { });
            made += 2;

            if (++ticks == 500)
            {
                w.Stop();
            }
        }).Start();
        collector.Start();
        Assert.False(loop.Start());
        Volatile.Write(ref over, true);
        collector.Join();
        Collect();
        Assert.Equal(500, ticks);
        Assert.InRange(Live().Watchers, 1, made / 2); // includes the watchdog, and watchers that the collector still takes for reachable
        loop.Verify();

        static void Abandon()
        {
            for (int i = 0; i < 5; i++)
            {
                var abandoned = new Loop(LoopFlags.NoEnv);
                abandoned.Timer(1, 1, (_, _) => { }).Start();
                abandoned.Async((_, _) => { }).Start();
                abandoned.Prepare((_, _) => { }).Start();
                abandoned.Start(RunFlags.NoWait);
            }
        }
    }

    [Fact]
    public void An_embedded_loop_may_be_disposed_before_the_loop_around_it_and_in_its_own_callback()
    {
        Loop outer = NewLoop();
        Loop inner = NewLoop(Backends.Epoll);
        (int read, int write) = Posix.Pipe();
        int calls = 0;
        inner.Io(read, Events.Read, (_, _) =>
        {
            calls++;
            inner.Dispose();
        }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        Posix.Write(write);
        Assert.False(outer.Start());
        Assert.Equal((1, false), (calls, embed.IsActive));
        Assert.Throws<ObjectDisposedException>(embed.Start);

        Loop second = NewLoop(Backends.Epoll);
        embed.Set(second);
        embed.Start();
        second.Dispose();
        Assert.False(embed.IsActive);
        Assert.False(outer.Start());
        Posix.Close(read, write);
    }
}
