using System;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>What other threads, signals, children and Resets want of an embedded loop reaches it, again and again.</summary>
public sealed class EmbedWakeTests : FdTest
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
    public void Every_Stop_reaches_the_inner_loop_and_the_outer_one_goes_on(Backends backend, bool callback)
    {
        (Loop outer, Loop inner) = NewPair(backend, callback);
        int checks = 0;
        inner.Check((_, _) => Interlocked.Increment(ref checks)).Start();

        // the Stop of a loop that waits is noticed by its next iteration, which nothing else brings about
        Check(outer, 200, () => Volatile.Read(ref checks), () => inner.Stop(), exact: false);

        // and none is left for later
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

        // of one priority the last one started is called first: this one comes after the embed's own
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

        // one after the other, so that each end has to wake a loop that waits
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

    [Theory]
    [MemberData(nameof(EmbeddableBackendsWithAndWithoutCallback))]
    public void After_a_Reset_of_the_inner_loop_its_io_and_its_Sends_keep_arriving(Backends backend, bool callback)
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

        // a Reset takes effect when the loop runs next: only the second write meets the new kernel side
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

    /// <summary>The outer loop waits while another thread makes something happen, waits for it, and does it again.</summary>
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

                // most of the time the loop waits again by then
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
