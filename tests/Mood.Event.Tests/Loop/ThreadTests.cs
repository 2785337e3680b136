using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>One loop is used by one thread, several loops by several threads, and any thread may call the thread-safe members.</summary>
public sealed class ThreadTests : AnyWatcherTestBase
{
    private const int FirstSignal = 40; // a real-time signal: no other test uses it or those after it

    [Fact]
    public void While_a_loop_runs_another_thread_may_not_use_its_members()
    {
        Loop loop = NewLoop();
        var other = new Loop(LoopFlags.NoEnv, Backends.Epoll);

        WhileRunning(loop, runner =>
        {
            var members = new Dictionary<string, Action>
            {
                ["Start"] = () => loop.Start(),
                ["Start NoWait"] = () => loop.Start(RunFlags.NoWait),
                ["Invoke"] = loop.Invoke,
                ["Reset"] = loop.Reset,
                ["Now"] = () => loop.Now(),
                ["Now updated"] = () => loop.Now(true),
                ["Suspend"] = loop.Suspend,
                ["Resume"] = loop.Resume,
                ["IncRef"] = loop.IncRef,
                ["DecRef"] = loop.DecRef,
                ["FeedFdEvent"] = () => loop.FeedFdEvent(0, Events.Read),
                ["FeedSignalEvent"] = () => loop.FeedSignalEvent(Signum.SIGUSR1),
                ["Verify"] = loop.Verify,
                ["Dispose"] = loop.Dispose,
                ["Callback"] = () => loop.Callback = null,
                ["IoInterval"] = () => loop.IoInterval = 0,
                ["TimeoutInterval"] = () => loop.TimeoutInterval = 0,
                ["Iteration"] = () => _ = loop.Iteration,
                ["Depth"] = () => _ = loop.Depth,
                ["Pending"] = () => _ = loop.Pending,
                ["Io"] = () => loop.Io(0, Events.Read, (_, _) => { }),
                ["Timer"] = () => loop.Timer(0, 0, (_, _) => { }),
                ["Periodic"] = () => loop.Periodic(0, 0, (_, _) => { }),
                ["Scheduler"] = () => loop.Scheduler((_, now) => now, (_, _) => { }),
                ["Signal"] = () => loop.Signal(Signum.SIGUSR1, (_, _) => { }),
                ["Stat"] = () => loop.Stat("/", 0, (_, _) => { }),
                ["Idle"] = () => loop.Idle(),
                ["Prepare"] = () => loop.Prepare((_, _) => { }),
                ["Check"] = () => loop.Check((_, _) => { }),
                ["Embed"] = () => loop.Embed(other),
                ["Embed of it"] = () => other.Embed(loop),
                ["Fork"] = () => loop.Fork((_, _) => { }),
                ["Async"] = () => loop.Async((_, _) => { }),
            };
            Assert.All(members, member => AssertWrongThread(member.Value, runner));
        });
        other.Dispose();
        Assert.False(loop.Start());
    }

    [Theory]
    [MemberData(nameof(AllKinds))]
    public void While_a_loop_runs_another_thread_may_not_use_its_watchers(string kind)
    {
        Loop loop = LoopFor(kind);
        using var active = new AnyWatcher(loop, kind, (_, _) => { });
        using var idle = new AnyWatcher(loop, kind, (_, _) => { });
        active.Watcher.Start();
        bool expected = active.Watcher.IsActive;

        WhileRunning(loop, runner =>
        {
            foreach (Watcher w in new[] { active.Watcher, idle.Watcher })
            {
                Action[] members =
                [
                    w.Start, w.Stop, w.Dispose, () => w.Feed(Events.Custom), () => w.Clear(), () => w.Invoke(Events.Custom),
                    () => _ = w.IsActive, () => _ = w.IsPending, () => _ = w.Priority, () => w.Priority = 1,
                    () => _ = w.KeepAlive, () => w.KeepAlive = false, .. MembersOf(w),
                ];
                Assert.All(members, member => AssertWrongThread(member, runner));
                w.Data = "no harm in that";
                Assert.Same(loop, w.Loop);
            }
        });
        Assert.Equal(expected, active.Watcher.IsActive);
        Assert.False(idle.Watcher.IsActive);
    }

    [Fact]
    public void Any_thread_may_call_the_thread_safe_members()
    {
        Loop loop = NewLoop();
        int sent = 0;
        Async async = loop.Async((_, _) => Interlocked.Increment(ref sent));
        async.Start();
        int signalled = 0;
        loop.Signal(Signum.SIGUSR1, (_, _) => Interlocked.Increment(ref signalled)).Start();

        WhileRunning(loop, _ =>
        {
            async.Send();
            Assert.True(Posix.Until(() => Volatile.Read(ref sent) > 0));
            Assert.True(Posix.Until(() => !async.Sent));
            Ev.FeedSignal(Signum.SIGUSR1);
            Assert.True(Posix.Until(() => Volatile.Read(ref signalled) > 0));
            Assert.InRange(Ev.Time(), 1, double.MaxValue);
            loop.Data = loop.Data;
            Assert.Equal(Backends.Epoll, loop.Backend & Backends.Epoll);
            Assert.False(loop.IsDefault);
        });
    }

    [Fact]
    public void The_inner_loop_belongs_to_the_thread_of_the_loop_around_it()
    {
        Loop outer = NewLoop();
        Loop inner = NewLoop(Backends.Epoll);
        Timer timer = inner.Timer(1, 0, (_, _) => { });
        outer.Embed(inner).Start();

        WhileRunning(outer, runner =>
        {
            AssertWrongThread(() => inner.Start(), runner);
            AssertWrongThread(timer.Start, runner);
            AssertWrongThread(inner.Dispose, runner);
        });
        Assert.False(timer.IsActive);
    }

    [Fact]
    public void A_loop_may_move_to_another_thread_when_it_does_not_run()
    {
        Loop loop = NewLoop();
        var threads = new List<int>();

        for (int i = 0; i < 4; i++)
        {
            var thread = new Thread(() =>
            {
                loop.Timer(0.001, 0, (_, _) => threads.Add(Environment.CurrentManagedThreadId)).Start();
                Assert.False(loop.Start());
            });
            thread.Start();
            thread.Join();
        }

        Assert.Equal(4, threads.Count);
        Assert.DoesNotContain(Environment.CurrentManagedThreadId, threads);
    }

    [Fact]
    public void Two_threads_never_run_one_loop_at_once()
    {
        Loop loop = NewLoop();
        int inside = 0, overlaps = 0, refused = 0, calls = 0;
        loop.Timer(0, 0.0001, (_, _) =>
        {
            if (Interlocked.Increment(ref inside) > 1)
            {
                Interlocked.Increment(ref overlaps);
            }

            calls++;
            Interlocked.Decrement(ref inside);
        }).Start();
        OnThreads(4, _ =>
        {
            for (int i = 0; i < 2000; i++)
            {
                try
                {
                    loop.Start(RunFlags.NoWait);
                }
                catch (InvalidOperationException)
                {
                    Interlocked.Increment(ref refused);
                }
            }
        });
        Assert.Equal(0, overlaps);
        Assert.InRange(calls, 1, int.MaxValue);
        loop.Verify();
    }

    [Fact]
    public void Loops_on_several_threads_do_not_disturb_one_another()
    {
        const int Rounds = 500;
        var counts = new (int Timers, int Bytes, int Asyncs, int Signals)[8];
        OnThreads(counts.Length, n =>
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            (int read, int write) = Posix.Pipe();
            ref (int Timers, int Bytes, int Asyncs, int Signals) count = ref counts[n];
            int timers = 0, bytes = 0, asyncs = 0, signals = 0;
            Signal signal = loop.Signal(FirstSignal + n, (_, _) => signals++);
            signal.Start();
            Async async = loop.Async((_, _) => asyncs++);
            async.Start();
            loop.Io(read, Events.Read, (_, _) =>
            {
                bytes += Posix.Read(read);
                async.Send();
            }).Start();
            loop.Timer(0, 0.0001, (w, _) =>
            {
                timers++;
                Posix.Write(write);

                if (timers % 10 == 0)
                {
                    Posix.Raise(FirstSignal + n);
                }

                if (timers == Rounds)
                {
                    w.Stop();
                }
            }).Start();

            while (bytes < Rounds)
            {
                Assert.True(loop.Start(RunFlags.Once));
            }

            loop.Start(RunFlags.NoWait);
            int seen = signals;
            Posix.Raise(FirstSignal + n);

            while (signals == seen)
            {
                Assert.True(loop.Start(RunFlags.Once)); // each loop has its own signal
            }

            count = (timers, bytes, asyncs, signals);
            Posix.Close(read, write);
        });
        Assert.All(counts, c => Assert.Equal((Rounds, Rounds), (c.Timers, c.Bytes)));
        Assert.All(counts, c => Assert.InRange(c.Asyncs, 1, Rounds));
        Assert.All(counts, c => Assert.InRange(c.Signals, 1, (Rounds / 10) + 1));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Sends_from_many_threads_are_never_lost(Backends backend)
    {
        const int Threads = 16, Each = 1000;
        Loop loop = NewLoop(backend);
        int queued = 0, done = 0, calls = 0;
        loop.Async((w, _) =>
        {
            calls++;
            done += Interlocked.Exchange(ref queued, 0);

            if (done == Threads * Each)
            {
                w.Stop();
            }
        }, "the queue").Start();
        Async async = loop.Async((_, _) => { });
        async.Dispose();
        Async live = loop.Async((w, _) =>
        {
            calls++;
            done += Interlocked.Exchange(ref queued, 0);

            if (done == Threads * Each)
            {
                loop.Stop(BreakHow.All);
            }
        });
        live.Start();
        var senders = new Thread(() => OnThreads(Threads, _ =>
        {
            for (int i = 0; i < Each; i++)
            {
                Interlocked.Increment(ref queued);
                live.Send();
            }
        }));
        senders.Start();
        loop.Start();
        senders.Join();
        Assert.Equal(Threads * Each, done);
        Assert.InRange(calls, 1, Threads * Each);

        // The callback may take an item before the Send that follows the item. If the last Send comes after the loop has ended, the next
        // Start calls the callback once more.
        int owed = live.Sent ? 1 : 0, before = calls;
        loop.Start(RunFlags.NoWait);
        Assert.Equal(owed, calls - before);
        Assert.False(live.Sent);
    }

    [Fact]
    public void Send_and_Stop_may_race_with_Stop_and_Dispose_of_the_watcher_and_the_loop()
    {
        int sends = 0, refused = 0, calls = 0;

        for (int round = 0; round < 60; round++)
        {
            var loop = new Loop(LoopFlags.NoEnv);
            Async async = loop.Async((w, _) =>
            {
                calls++;

                if (calls % 3 == 0)
                {
                    w.Stop();
                    w.Start();
                }
            });
            async.Start();
            bool over = false;
            var senders = new Thread(() => OnThreads(16, n =>
            {
                while (!Volatile.Read(ref over))
                {
                    try
                    {
                        async.Send();
                        _ = async.Sent;
                        Interlocked.Increment(ref sends);
                    }
                    catch (ObjectDisposedException)
                    {
                        Interlocked.Increment(ref refused);
                    }

                    loop.Stop((BreakHow)(n % 3));
                }
            }));
            senders.Start();

            for (int i = 0; i < 10; i++)
            {
                loop.Start(RunFlags.Once);
            }

            if (round % 2 == 0)
            {
                async.Dispose(); // Dispose of the loop may have stopped it already
            }

            loop.Dispose();
            Thread.Yield();
            Volatile.Write(ref over, true);
            senders.Join();
            Assert.Throws<ObjectDisposedException>(async.Send);
            Assert.False(async.Sent);
            loop.Stop();
        }

        Assert.InRange(calls, 1, int.MaxValue);
        Assert.InRange(sends, 1, int.MaxValue);
    }

    [Fact]
    public void Send_of_an_inactive_watcher_after_its_loop_ended_does_nothing()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        Async async = loop.Async((_, _) => Assert.Fail("The callback was called."));
        loop.Dispose();
        async.Send();
        async.Dispose();
        Assert.Throws<ObjectDisposedException>(async.Send);
    }

    /// <summary>The members that are not common to all watchers.</summary>
    private static IEnumerable<Action> MembersOf(Watcher watcher) => watcher switch
    {
        Io w => [() => w.Set(0, Events.Read), () => w.Events = Events.Write, () => w.Callback = w.Callback],
        Timer w => [() => w.Set(1, 1), w.Reset, () => w.Repeat = 1, () => _ = w.Remaining, () => w.Callback = w.Callback],
        Periodic w => [() => w.Set(1, 1), w.Reset, () => w.Interval = 1, () => _ = w.At, () => w.Callback = w.Callback],
        Scheduler w => [w.Reset, () => w.Reschedule = w.Reschedule, () => _ = w.At, () => w.Callback = w.Callback],
        Signal w => [() => w.Set(Signum.SIGUSR2), () => w.Callback = w.Callback],
        Child w => [() => w.Set(1, false), () => w.Callback = w.Callback],
        Stat w => [() => w.Set("/", 1), w.Refresh, () => _ = w.Interval, () => _ = w.Attr, () => _ = w.Prev, () => w.Callback = w.Callback],
        Embed w => [() => w.Set(w.Other), w.Sweep, () => w.Callback = w.Callback],
        Idle w => [() => w.Callback = null],
        Prepare w => [() => w.Callback = w.Callback],
        Check w => [() => w.Callback = w.Callback],
        Fork w => [() => w.Callback = w.Callback],
        Async w => [() => w.Callback = w.Callback],
        _ => throw new ArgumentOutOfRangeException(nameof(watcher)),
    };

    private static void AssertWrongThread(Action member, int runner)
    {
        string message = Assert.Throws<InvalidOperationException>(member).Message;
        Assert.Matches($@"\b{runner}\b", message);
        Assert.Matches($@"\b{Environment.CurrentManagedThreadId}\b", message);
    }

    /// <summary>Runs the loop on another thread, and an action on this thread meanwhile.</summary>
    private static void WhileRunning(Loop loop, Action<int> action)
    {
        int runner = 0;
        Exception? failure = null;
        Prepare prepare = loop.Prepare((_, _) => Volatile.Write(ref runner, Environment.CurrentManagedThreadId));
        prepare.Start();
        var thread = new Thread(() => failure = Record.Exception(() => loop.Start()));
        thread.Start();
        Assert.True(Posix.Until(() => Volatile.Read(ref runner) != 0));

        try
        {
            action(runner);
        }
        finally
        {
            loop.Stop(BreakHow.All);
            thread.Join();
            prepare.Dispose();
        }

        Assert.Null(failure);
    }

    private static void OnThreads(int count, Action<int> action)
    {
        var failures = new Exception?[count];
        Thread[] threads = [.. Enumerable.Range(0, count).Select(n => new Thread(() => failures[n] = Record.Exception(() => action(n))))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        Assert.All(failures, Assert.Null);
    }
}
