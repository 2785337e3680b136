using System;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Wakes from other threads, signals, children and Resets reach an embedded loop every time.</summary>
public sealed class EmbedWakeTests : FdTestBase
{
    public static TheoryData<Backends, bool> EmbeddableBackendsWithAndWithoutCallback
    {
        get
        {
            var data = new TheoryData<Backends, bool>();

            foreach (Backends backend in EmbeddableBackends.Select((object[] row) => (Backends)row[0]))
            {
                data.Add(backend, false);
                data.Add(backend, true);
            }

            return data;
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void Every_Send_reaches_the_inner_loop(Backends backend, bool callback)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback);
        int calls = 0;
        Async async = inner.Async((_, _) => Interlocked.Increment(ref calls));
        async.Start();
        Check(outer, 500, () => Volatile.Read(ref calls), async.Send);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void Every_fed_signal_reaches_the_inner_loop(Backends backend, bool callback)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback);
        int calls = 0;
        inner.Signal(Signum.SIGUSR1, (_, _) => Interlocked.Increment(ref calls)).Start();
        Check(outer, 500, () => Volatile.Read(ref calls), () => Ev.FeedSignal(Signum.SIGUSR1));
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void Every_Stop_reaches_the_inner_loop_and_the_outer_one_keeps_running(Backends backend, bool callback)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback);
        int checks = 0;
        inner.Check((_, _) => Interlocked.Increment(ref checks)).Start();

        // A Stop takes effect in the inner loop's next iteration, and only the Stop causes that iteration.
        Check(outer, 200, () => Volatile.Read(ref checks), () => inner.Stop(), exact: false);

        // The next Start is not ended by an earlier Stop.
        int late = 0;
        outer.Dispose();
        inner.Timer(0.01, 0, (_, _) =>
        {
            late++;
            inner.Stop();
        }).Start();
        inner.Start();
        Assert.Equal(1, late);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_sweep_right_before_the_outer_loop_waits_loses_no_Send(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        Embed embed = outer.Embed(inner);

        // Among equal priorities, the Prepare that was started last is called first. The Embed starts its own Prepare later than
        // this one.
        outer.Prepare((_, _) => embed.Sweep(), priority: Ev.MinPriority).Start();
        embed.Start();
        int calls = 0;
        Async async = inner.Async((_, _) => Interlocked.Increment(ref calls));
        async.Start();
        Check(outer, 200, () => Volatile.Read(ref calls), async.Send);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_send_in_a_callback_of_either_loop_reaches_the_inner_loop(Backends backend)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback: false);
        int calls = 0;
        Async? second = null;
        Async first = inner.Async((_, _) => second!.Send());
        second = inner.Async((_, _) =>
        {
            if (++calls == 100)
            {
                outer.Stop();
            }
            else if (calls % 2 == 0)
            {
                first.Send();
            }
            else
            {
                outer.Timer(0, 0, (_, _) => first.Send()).Start();
            }
        });
        first.Start();
        second.Start();
        first.Send();
        Assert.True(outer.Start());
        Assert.Equal(100, calls);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Children_of_an_embedded_default_loop_are_reported(bool callback)
    {
        const int children = 10;
        Loop outer = NewLoop(), inner = NewDefaultLoop();
        Start(outer.Embed(inner, callback ? (w, _) => w.Sweep() : null));
        int sum = 0, calls = 0;

        // The children end one after the other, so that each end has to wake the waiting loop.
        Next();
        Assert.True(outer.Start());
        Assert.Equal((children, children * (children + 1) / 2), (calls, sum));

        void Next() => inner.Child(Posix.Spawn($"sleep 0.01; exit {calls + 1}"), trace: false, (w, _) =>
        {
            sum += w.ExitCode;
            w.Dispose();

            if (++calls == children)
            {
                outer.Stop();
            }
            else
            {
                Next();
            }
        }).Start();
    }

    // Without a pidfd, only an event of the loop itself says that there is a child to report.
    [Fact]
    public void A_child_that_ended_before_its_watcher_starts_is_reported_without_pidfds()
    {
        NativeTesting.Lacking = NativeTesting.Lack.Pidfd;
        Loop outer = NewLoop(), inner = NewDefaultLoop();
        Start(outer.Embed(inner));
        int pid = Posix.Spawn("exit 3"), code = -1;
        Assert.True(Posix.Until(() => Posix.IsZombie(pid)));

        for (int i = 0; i < 3; i++)
        {
            outer.Start(RunFlags.NoWait);
        }

        Child child = inner.Child(pid, trace: false, (w, _) =>
        {
            code = w.ExitCode;
            w.Stop();
            outer.Stop();
        });
        outer.Timer(0.01, 0, (_, _) => child.Start()).Start();
        outer.Timer(2, 0, (_, _) => outer.Stop()).Start();
        Assert.True(outer.Start());
        Assert.Equal(3, code);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void After_a_Reset_of_the_inner_loop_its_io_and_its_Sends_still_arrive(Backends backend, bool callback)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback);
        (int read, int write) = NewPipe();
        int calls = 0, sent = 0;
        inner.Io(read, Events.Read, (w, _) =>
        {
            Assert.Equal(1, Posix.Read(w.Fd));
            Interlocked.Increment(ref calls);
        }).Start();
        Async async = inner.Async((_, _) => Interlocked.Increment(ref sent));
        async.Start();

        // A Reset takes effect in the loop's next iteration, so only the second write meets the new kernel objects.
        for (int i = 0; i < 20; i++)
        {
            inner.Reset();
            Check(outer, 3, () => Volatile.Read(ref calls), () => Posix.Write(write));
            inner.Reset();
            Check(outer, 3, () => Volatile.Read(ref sent), async.Send);
            Check(outer, 3, () => Volatile.Read(ref calls), () => Posix.Write(write));
        }
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_Reset_in_a_callback_of_the_inner_loop_keeps_its_io_working(Backends backend)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback: false);
        (int read, int write) = NewPipe();
        int calls = 0;
        inner.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            inner.Reset();
            Interlocked.Increment(ref calls);
        }).Start();
        Check(outer, 50, () => Volatile.Read(ref calls), () => Posix.Write(write));
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void After_any_order_of_Resets_and_Sends_a_Send_arrives(Backends backend, bool callback)
    {
        for (int order = 0; order < 4 * 4 * 4; order++)
        {
            (Loop outer, Loop inner) = NewPair(backend, callback);
            int calls = 0;

            // Stops the outer loop, because Start(Once) would still wait if the inner loop runs before the outer one waits.
            Async async = inner.Async((_, _) =>
            {
                calls++;
                outer.Stop();
            });
            async.Start();

            foreach (int step in new[] { order % 4, order / 4 % 4, order / 16 })
            {
                Action action = step switch
                {
                    0 => outer.Reset,
                    1 => inner.Reset,
                    2 => async.Send,
                    _ => Nothing,
                };
                action();
                outer.Start(RunFlags.NoWait);
            }

            Expect(inner.Reset, outer.Reset);
            Expect(outer.Reset, inner.Reset);
            Expect(inner.Reset);
            Expect(outer.Reset);
            inner.Dispose();
            outer.Dispose();

            static void Nothing()
            {
            }

            void Expect(params Action[] resets)
            {
                foreach (Action reset in resets)
                {
                    reset();
                }

                int before = calls;
                async.Send();
                Assert.True(outer.Start());
                Assert.Equal(before + 1, calls);
            }
        }
    }

    // While a loop is embedded, a Send writes to its eventfd at once. A Reset replaces the eventfd, and no later Send writes while one is
    // pending.
    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void A_Send_before_a_Reset_reaches_a_loop_that_was_embedded(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        Embed embed = outer.Embed(inner);
        Start(embed);
        int calls = 0;
        Async async = inner.Async((_, _) =>
        {
            calls++;
            inner.Stop();
        });
        async.Start();
        outer.Start(RunFlags.NoWait);
        embed.Stop();
        async.Send();
        inner.Reset();
        bool waited = false;
        inner.Timer(1, 0, (_, _) => waited = true).Start();
        Assert.True(inner.Start());
        Assert.Equal((1, false), (calls, waited));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Reset_of_the_inner_loop_alone_is_enough_after_its_files_were_closed(Backends backend)
    {
        Loop outer = NewLoop(backend);
        int[] before = LoopFds();
        Loop inner = NewLoop(Backends.Epoll);
        Start(outer.Embed(inner));
        int calls = 0, forks = 0;
        Async async = inner.Async((_, _) => calls++);
        async.Start();
        inner.Fork((_, _) => forks++).Start();
        (int read, int write) = NewPipe();
        inner.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            calls++;
        }).Start();
        int[] own = [.. LoopFds().Except(before)];
        Assert.True(own.Length >= 2, string.Join(' ', own));
        Check(outer, 3, () => Volatile.Read(ref calls), async.Send);

        Posix.Close(own);
        inner.Reset();
        Check(outer, 3, () => Volatile.Read(ref calls), () => Posix.Write(write));
        Check(outer, 3, () => Volatile.Read(ref calls), async.Send);
        Assert.Equal(1, forks);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void After_a_Reset_and_a_run_of_the_innermost_loop_its_io_still_arrives(Backends backend)
    {
        Loop outer = NewLoop(), middle = NewLoop(backend), inner = NewLoop(backend);
        Start(outer.Embed(middle));
        Start(middle.Embed(inner));
        (int read, int write) = NewPipe();
        int calls = 0;
        inner.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            Interlocked.Increment(ref calls);
        }).Start();
        Check(outer, 3, () => Volatile.Read(ref calls), () => Posix.Write(write));
        inner.Reset();
        inner.Start(RunFlags.NoWait); // makes the new kernel objects, while the middle loop does not run
        Check(outer, 3, () => Volatile.Read(ref calls), () => Posix.Write(write));
    }

    /// <summary>
    /// Runs the outer loop. Meanwhile another thread causes an event and waits for its callback, several times.
    /// </summary>
    private static void Check(Loop outer, int times, Func<int> count, Action happen, bool exact = true)
    {
        int seen = 0;
        Timer timer = outer.Timer(Patience, 0, (_, _) => outer.Stop());
        timer.Start();
        var thread = new Thread(() =>
        {
            for (bool arrived = true; arrived && seen < times; seen += arrived ? 1 : 0)
            {
                int before = count();
                happen();
                arrived = Until(() => count() != before);

                if (exact && arrived && count() != before + 1)
                {
                    break;
                }

                // After most of these pauses, the loop waits again.
                Thread.SpinWait(seen % 7 * 300);
            }

            outer.Stop();
        });
        thread.Start();
        outer.Start();
        thread.Join();
        timer.Dispose();
        Assert.Equal(times, seen);
    }

    private static bool Until(Func<bool> condition)
    {
        var spin = default(SpinWait);
        double end = Ev.Time() + 5;

        while (!condition() && Ev.Time() < end)
        {
            spin.SpinOnce(sleep1Threshold: 100);
        }

        return condition();
    }

    /// <summary>The epoll fds and eventfds of the process.</summary>
    private static int[] LoopFds() =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Where(f => (new FileInfo(f).LinkTarget ?? "").StartsWith("anon_inode:[event", StringComparison.Ordinal))
            .Select(f => int.Parse(Path.GetFileName(f), CultureInfo.InvariantCulture)),
    ];

    private (Loop Outer, Loop Inner) NewPair(Backends backend, bool callback)
    {
        Loop outer = NewLoop(), inner = NewLoop(backend);
        Start(outer.Embed(inner, callback ? (w, _) => w.Sweep() : null));
        return (outer, inner);
    }

    private static void Start(Embed embed)
    {
        embed.Fatal = true;
        embed.Start();
    }
}
