using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Win32.SafeHandles;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The inner loop's watchers run in the outer loop. EmbedLifetimeTests has disposal and failures.</summary>
public sealed class EmbedTests : FdTestBase
{
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_new_embed_has_its_parameters_and_is_not_started(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        object data = new();

        foreach (Embed w in new[] { new Embed(outer, inner, (_, _) => { }, data, 1), outer.Embed(inner, (_, _) => { }, data, 1) })
        {
            Assert.Same(outer, w.Loop);
            Assert.Same(inner, w.Other);
            Assert.Same(data, w.Data);
            Assert.Equal(1, w.Priority);
            Assert.NotNull(w.Callback);
            Assert.False(w.IsActive);
            w.Dispose();
        }

        using var bare = new Embed(outer, inner);
        Assert.Null(bare.Callback);
        bare.Callback = (_, _) => { };
        bare.Callback = null;
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Without_a_callback_the_inner_io_runs_by_itself(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        string log = "";
        inner.Io(read, Events.Read, (w, e) =>
        {
            log += $"{(int)e}:{Posix.Read(w.Fd)} ";

            if (log.Length > 6)
            {
                outer.Stop();
            }
        }).Start();
        outer.Embed(inner).Start();
        outer.Timer(0.01, 0, (_, _) => Posix.Write(write, 3)).Start();
        outer.Timer(0.02, 0, (_, _) => Posix.Write(write, 4)).Start();
        Assert.True(outer.Start());
        Assert.Equal("1:3 1:4 ", log);
        Assert.Equal(0u, inner.Depth);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void With_a_callback_the_inner_io_runs_only_when_the_callback_sweeps(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        string log = "";
        inner.Io(read, Events.Read, (w, _) =>
        {
            log += "io ";
            w.Stop();
        }).Start();
        Embed embed = outer.Embed(inner, (w, e) =>
        {
            log += e == Events.Embed ? "embed " : "?";

            if (log == "embed embed ")
            {
                w.Sweep();
                log += "swept ";
                w.Stop();
            }
        });
        embed.Start();
        outer.Start(RunFlags.NoWait);
        Posix.Write(write); // The kernel now watches the fd. After an earlier write, the iteration that registers the fd would already call the Io.
        Assert.False(outer.Start());
        Assert.Equal("embed embed io swept ", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Sweep_runs_one_iteration_without_waiting(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        inner.Io(read, Events.Read, (_, _) => calls++).Start();
        using Embed embed = outer.Embed(inner); // Sweep works on an inactive Embed too
        embed.Sweep();
        Assert.Equal((0, 1u), (calls, inner.Iteration));
        Posix.Write(write);
        embed.Sweep();
        Assert.Equal((1, 2u), (calls, inner.Iteration));
        embed.Sweep();
        Assert.Equal((2, 3u), (calls, inner.Iteration));
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Inner_timers_do_not_run(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int calls = 0;
        outer.Embed(inner).Start();
        inner.Timer(0.01, 0.01, (_, _) => calls++).Start();
        outer.Timer(0.1, 0, (_, _) => outer.Stop()).Start();
        Assert.True(outer.Start());
        Assert.Equal(0, calls);
    }

    public static TheoryData<Backends, Backends, bool> AllPairs
    {
        get
        {
            var data = new TheoryData<Backends, Backends, bool>();

            foreach (Backends outer in AllBackends)
            {
                foreach (Backends inner in EmbeddableBackends)
                {
                    data.Add(outer, inner, false);
                    data.Add(outer, inner, true);
                }
            }

            return data;
        }
    }

    // epoll does not take a regular file, so the inner loop's fd does not become readable
    [Theory]
    [MemberData(nameof(AllPairs))]
    public void An_io_of_a_regular_file_is_called_once_in_each_iteration_of_the_outer_loop(Backends backend, Backends embedded, bool hasCallback)
    {
        Loop outer = NewLoop(backend), inner = NewLoop(embedded);
        using SafeFileHandle file = File.OpenHandle(Environment.ProcessPath!);
        int calls = 0, sweeps = 0;
        Embed embed = hasCallback ? outer.Embed(inner, (w, _) =>
        {
            sweeps++;
            w.Sweep();
        }) : outer.Embed(inner);
        Io io = inner.Io(file, Events.Read, (w, _) =>
        {
            if (++calls == 20)
            {
                w.Stop();
                outer.Timer(0.02, 0, (_, _) => outer.Stop()).Start();
            }
        });
        embed.Start();
        io.Start();

        for (int i = 1; i <= 10; i++)
        {
            outer.Start(RunFlags.NoWait);
            Assert.InRange(calls, i, i + 1);
        }

        uint before = outer.Iteration;
        Assert.True(outer.Start());
        Assert.Equal(20, calls);
        Assert.InRange(outer.Iteration - before, 1u, 30u); // the outer loop waits after the Stop of the Io
        Assert.Equal(hasCallback, sweeps >= 18);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_regular_file_two_levels_down_keeps_the_outer_loop_from_waiting_and_no_loop_from_its_events(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        using SafeFileHandle file = File.OpenHandle(Environment.ProcessPath!);
        (int read, _) = NewReadablePipe();
        int calls = 0, reads = 0, ticks = 0;
        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        inner.Io(file, Events.Read, (_, _) => calls++).Start();
        inner.Io(read, Events.Read, (_, _) => reads++).Start(); // never read, so the inner loop always has events
        outer.Timer(0.001, 0.001, (w, _) =>
        {
            if (++ticks == 20 && calls > 20 && reads > 20)
            {
                outer.Stop();
            }

            ticks = Math.Min(ticks, 19);
        }).Start();
        Assert.True(outer.Start());
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_watcher_that_is_fed_outside_its_loop_is_called_before_the_outer_loop_waits(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        string log = "";
        Io io = inner.Io(NewPipe().Read, Events.Read, (_, e) =>
        {
            log += (int)e;
            outer.Stop();
        });
        outer.Timer(0.01, 0, (_, _) =>
        {
            log += "feed ";
            io.Feed(Events.Read);
        }).Start();
        Assert.True(outer.Start());
        Assert.Equal("feed 1", log);
    }

    // The outer loop runs the middle one before it waits.
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_watcher_that_a_callback_of_the_middle_loop_feeds_is_called_before_the_outer_loop_waits(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        string log = "";
        Idle idle = inner.Idle((_, _) =>
        {
            log += "fed ";
            outer.Stop();
        });
        Async async = middle.Async((_, _) => idle.Feed(Events.Custom));
        async.Start();
        async.Send();
        outer.Timer(1, 0, (_, _) => log += "late").Start();
        Assert.True(outer.Start());
        Assert.Equal("fed ", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Events_that_Callback_of_the_inner_loop_leaves_are_called_by_Invoke_and_the_outer_loop_waits_meanwhile(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        int callbacks = 0, calls = 0;
        bool invokes = false;
        inner.Callback = l =>
        {
            callbacks++;

            if (invokes)
            {
                l.Invoke();
            }
        };
        Idle idle = inner.Idle((_, _) => calls++);
        idle.Feed(Events.Custom);
        outer.Timer(0.2, 0, (_, _) => outer.Stop()).Start();
        uint before = outer.Iteration;
        Assert.True(outer.Start());
        Assert.InRange(callbacks, 1, 10);
        Assert.InRange(outer.Iteration - before, 1u, 10u);
        Assert.Equal((0, true), (calls, idle.IsPending));

        // Another event that is fed later is not taken for one that Callback has left, even if as many are pending as before.
        outer.Timer(0, 0, (_, _) =>
        {
            inner.Invoke();
            invokes = true;
            idle.Feed(Events.Custom);
        }).Start();
        outer.Timer(0.1, 0, (_, _) => outer.Stop()).Start();
        Assert.True(outer.Start());
        Assert.Equal(2, calls);

        // A loop without a Callback calls its watchers itself.
        invokes = false;
        idle.Feed(Events.Custom);
        outer.Start(RunFlags.NoWait);
        Assert.Equal(2, calls);
        inner.Callback = null;
        outer.Start(RunFlags.NoWait);
        Assert.Equal(3, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void If_Callback_of_the_inner_loop_leaves_a_Send_the_outer_loop_still_runs(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        outer.Embed(inner).Start();
        int calls = 0, callbacks = 0;
        Async async = inner.Async((_, _) => calls++);
        async.Start();
        outer.Start(RunFlags.NoWait);
        inner.Callback = _ =>
        {
            callbacks++;
            async.Send();
        };
        inner.Idle((_, _) => calls++).Feed(Events.Custom);

        for (int i = 0; i < 3; i++)
        {
            outer.Start(RunFlags.NoWait);
        }

        Assert.InRange(callbacks, 1, 30);
        Assert.Equal(0, calls);
        inner.Callback = null;
        outer.Start(RunFlags.NoWait);
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData("a Post")]
    [InlineData("a spawned function")]
    [InlineData("an Io")]
    public void If_the_inner_loop_has_new_work_in_each_iteration_the_outer_loop_s_own_watchers_are_called(string work)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        outer.Embed(inner).Start();
        bool isOver = false;
        int runs = 0;

        switch (work)
        {
            case "a Post":
                inner.Post(Again);
                break;
            case "a spawned function":
                inner.Spawn(async () =>
                {
                    for (; !isOver; runs++)
                    {
                        await Task.Yield();
                    }
                });
                break;
            default:
                Io io = inner.Io(NewPipe().Read, Events.Read, (_, _) => { });
                inner.Prepare((_, _) => io.Start()).Start();
                inner.Check((_, _) =>
                {
                    runs++;
                    io.Stop();
                }).Start();
                break;
        }

        outer.Timer(0.05, 0, (_, _) =>
        {
            isOver = true;
            outer.Stop();
        }).Start();
        Assert.True(outer.Start());
        Assert.True(isOver);
        Assert.InRange(runs, 100, int.MaxValue); // otherwise the outer loop has waited although there was work

        void Again()
        {
            runs++;

            if (!isOver)
            {
                inner.Post(Again);
            }
        }
    }

    // libev writes a Send to the kernel only before the poll. Here it comes after the poll. While it is left, no further Send is written.
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void While_Callback_of_the_inner_loop_leaves_a_Send_the_outer_loop_calls_it_again_and_again(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        outer.Embed(inner).Start();
        int calls = 0, callbacks = 0;
        Async async = inner.Async((_, _) =>
        {
            calls++;
            outer.Stop();
        });
        async.Start();
        outer.Start(RunFlags.NoWait);
        inner.Callback = l =>
        {
            if (++callbacks == 10)
            {
                l.Invoke();
            }
            else if (l.Iteration == 2)
            {
                async.Send();
            }
        };
        inner.Idle((_, _) => { }).Feed(Events.Custom);
        Assert.True(outer.Start());
        Assert.Equal((1, 10), (calls, callbacks));
    }

    // The outer loop runs the inner one right before it waits. Afterwards it calls the watchers that the inner loop has fed.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Work_that_a_late_callback_of_the_outer_loop_gives_the_inner_loop_is_done_before_the_outer_loop_waits(bool io)
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        outer.Embed(inner).Start();
        string log = "";
        Watcher last = io ? inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => End()) : inner.Idle((_, _) => End());
        Idle late = outer.Idle((_, _) =>
        {
            if (io)
            {
                last.Start();
            }
            else
            {
                last.Feed(Events.Custom);
            }
        });
        Async async = inner.Async((_, _) => late.Feed(Events.Custom));
        async.Start();
        async.Send();
        outer.Timer(1, 0, (_, _) => log += "late").Start();
        Assert.True(outer.Start());
        Assert.Equal("end ", log);

        void End()
        {
            log += "end ";
            outer.Stop();
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_inner_io_that_is_started_later_is_called(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        string log = "";
        outer.Embed(inner).Start();
        outer.Timer(0.01, 0, (_, _) =>
        {
            log += "start ";
            inner.Io(read, Events.Read, (_, _) =>
            {
                log += "io";
                outer.Stop();
            }).Start();
        }).Start();

        // While the outer loop waits, only the kernel can report the write.
        outer.Timer(0.04, 0, (_, _) =>
        {
            log += "write ";
            Posix.Write(write);
        }).Start();
        Assert.True(outer.Start());
        Assert.Equal("start write io", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void With_a_callback_an_inner_io_that_is_started_later_is_called_too(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        string log = "";
        Embed embed = outer.Embed(inner, (w, e) =>
        {
            log += e == Events.Embed ? "embed " : "?";
            w.Sweep();
        });
        embed.Start();
        outer.Timer(0.01, 0, (_, _) => inner.Io(NewReadablePipe().Read, Events.Read, (w, _) =>
        {
            log += "io ";
            w.Stop();
            outer.Stop();
        }).Start()).Start();
        outer.Start();

        // The iteration that registers the Io may already call it, if it is ready.
        Assert.True(log is "embed io " or "io ", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_inner_io_stopped_by_another_loop_s_callback_is_not_called(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        (int read, int write) = NewPipe();
        int calls = 0;
        Io io = inner.Io(read, Events.Read, (_, _) => calls++);
        io.Start();
        outer.Embed(inner).Start();
        outer.Timer(0.01, 0, (_, _) =>
        {
            io.Stop();
            Posix.Write(write);
        }).Start();
        outer.Timer(0.03, 0, (_, _) => outer.Stop()).Start();
        outer.Start();
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Signals_and_asyncs_of_the_inner_loop_are_called(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        List<string> log = [];
        outer.Embed(inner).Start();
        inner.Signal(Signum.SIGUSR1, (w, _) => Note("signal", w)).Start();
        Async async = inner.Async((w, _) => Note("async", w));
        async.Start();
        var thread = new Thread(() =>
        {
            Ev.FeedSignal(Signum.SIGUSR1);
            async.Send();
        });
        outer.Timer(0.01, 0, (_, _) => thread.Start()).Start();
        outer.Start();
        thread.Join();
        Assert.Equal(["async", "signal"], log.Order());

        void Note(string what, Watcher w)
        {
            log.Add(what);
            w.Stop();

            if (log.Count == 2)
            {
                outer.Stop();
            }
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Sends_arrive_through_two_levels_every_time(Backends backend)
    {
        (Loop outer, Loop inner) = NewNestedLoops(backend);
        int calls = 0;
        using var called = new SemaphoreSlim(1);
        Async async = inner.Async((_, _) =>
        {
            calls++;
            called.Release();
        });
        async.Start();
        var thread = new Thread(() =>
        {
            for (int i = 0; i < 50 && called.Wait(TimeSpan.FromSeconds(Patience)); i++)
            {
                async.Send();
            }

            called.Wait(TimeSpan.FromSeconds(Patience));
            outer.Stop();
        });
        thread.Start();
        Assert.True(outer.Start());
        thread.Join();
        Assert.Equal(50, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_inner_prepare_that_stops_its_loop_does_not_hang_the_outer_one(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        int prepares = 0, calls = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => calls++).Start();
        Prepare prepare = StopInPrepare(inner, () => ++prepares);
        outer.Embed(inner).Start();
        Assert.True(outer.Start(RunFlags.NoWait));
        Assert.Equal(1, prepares);
        prepare.Stop();
        outer.Start(RunFlags.NoWait);
        outer.Start(RunFlags.NoWait);
        Assert.NotEqual(0, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_embedded_loop_can_embed_another_one(Backends backend)
    {
        (Loop outer, Loop inner) = NewNestedLoops(backend);
        (int read, int write) = NewPipe();
        string log = "";
        inner.Io(read, Events.Read, (w, _) =>
        {
            log += "io";
            w.Stop();
            outer.Stop();
        }).Start();
        outer.Timer(0.02, 0, (_, _) =>
        {
            log += "write ";
            Posix.Write(write);
        }).Start();
        Assert.True(outer.Start());
        Assert.Equal("write io", log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_io_started_two_levels_down_in_a_callback_of_the_outer_loop_is_called(Backends backend)
    {
        (Loop outer, Loop inner) = NewNestedLoops(backend);
        int fd = NewReadablePipe().Read;
        int calls = 0;
        outer.Start(RunFlags.NoWait);
        outer.Start(RunFlags.NoWait);
        outer.Timer(0.01, 0, (_, _) => inner.Io(fd, Events.Read, (w, _) =>
        {
            calls++;
            w.Stop();
            outer.Stop();
        }).Start()).Start();
        Assert.True(outer.Start());
        Assert.Equal(1, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_prepare_two_levels_down_that_stops_its_loop_does_not_hang_the_outer_one(Backends backend)
    {
        (Loop outer, Loop inner) = NewNestedLoops(backend);
        int prepares = 0;
        inner.Io(NewReadablePipe().Read, Events.Read, (_, _) => { }).Start();
        StopInPrepare(inner, () => ++prepares);
        Assert.True(outer.Start(RunFlags.NoWait));
        Assert.InRange(prepares, 1, 10);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void The_outer_loop_may_have_any_backend(Backends backend)
    {
        Loop outer = NewLoop(backend), inner = NewLoop(Backends.Epoll);
        (int read, int write) = NewPipe();
        int calls = 0;
        outer.Embed(inner).Start();
        inner.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);

            if (++calls == 3)
            {
                outer.Stop();
            }
            else
            {
                Posix.Write(write);
            }
        }).Start();
        Posix.Write(write);
        Assert.True(outer.Start());
        Assert.Equal(3, calls);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void With_KeepAlive_false_the_outer_Start_returns(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        inner.Io(NewPipe().Read, Events.Read, (_, _) => { }).Start();
        Embed embed = outer.Embed(inner);
        embed.Start();
        Assert.True(outer.Start(RunFlags.NoWait));
        embed.KeepAlive = false;
        Assert.False(outer.Start());

        for (int i = 0; i < 3; i++)
        {
            embed.Stop();
            embed.Start();
            Assert.False(outer.Start());
        }

        embed.KeepAlive = true;
        Assert.True(outer.Start(RunFlags.NoWait));
        embed.Stop();
        Assert.False(outer.Start());
        int calls = 0;
        outer.Timer(0.01, 0, (_, _) => calls++).Start();
        Assert.False(outer.Start());
        Assert.Equal(1, calls);
    }

    // Embed.RunOther compares the results of mood_loop_changes. The results for the middle and the inner loop were once equal if both
    // loops had run equally often. Then the outer loop saw no progress, and waited although the kernel did not know the inner loop's
    // new fd.
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void Work_of_the_inner_loop_is_not_taken_for_earlier_work_of_the_middle_loop(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);

        for (int i = 0; i < 10; i++)
        {
            middle.Start(RunFlags.NoWait);
        }

        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        bool called = false;
        int checks = 0;
        middle.Check((_, _) =>
        {
            if (++checks == 1)
            {
                middle.Io(NewPipe().Read, Events.Read, (_, _) => { }).Start();
            }
            else if (checks == 2)
            {
                while (inner.Iteration < middle.Iteration - 1)
                {
                    inner.Start(RunFlags.NoWait);
                }

                inner.Io(NewReadablePipe().Read, Events.Read, (_, _) =>
                {
                    called = true;
                    outer.Stop();
                }).Start();
            }
        }).Start();
        outer.Timer(1, 0, (_, _) => outer.Stop()).Start();
        Assert.True(outer.Start());
        Assert.True(called);
    }

    [Fact]
    public void The_inner_loop_belongs_to_the_outer_loop_s_thread()
    {
        Loop outer = NewLoop(), inner = NewLoop(Backends.Epoll);
        Embed embed = outer.Embed(inner);
        embed.Start();
        Exception?[] thrown = [];
        outer.Timer(0, 0, (_, _) =>
        {
            var thread = new Thread(() => thrown =
            [
                Record.Exception(() => inner.Start(RunFlags.NoWait)),
                Record.Exception(() => inner.Timer(1, 0, (_, _) => { })),
                Record.Exception(embed.Sweep),
                Record.Exception(inner.Dispose),
            ]);
            thread.Start();
            thread.Join();
            outer.Stop();
        }).Start();
        outer.Start();
        Assert.Equal(4, thrown.Length);
        Assert.All(thrown, e => Assert.IsType<InvalidOperationException>(e));
    }

    // Makes three loops, each of which is embedded in the one before. Returns the first and the last one.
    private (Loop Outer, Loop Inner) NewNestedLoops(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        outer.Embed(middle).Start();
        middle.Embed(inner).Start();
        return (outer, inner);
    }

    // Starts a Prepare that stops its loop in every iteration. More than 1000 calls mean that the outer loop hangs. Then the Prepare
    // fails the test.
    private static Prepare StopInPrepare(Loop loop, Func<int> count)
    {
        Prepare prepare = loop.Prepare((_, _) =>
        {
            loop.Stop();

            if (count() > 1000)
            {
                throw new TimeoutException("The test hangs.");
            }
        });
        prepare.Fatal = true;
        prepare.Start();
        return prepare;
    }
}
