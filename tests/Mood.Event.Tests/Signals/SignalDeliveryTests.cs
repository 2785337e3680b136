using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The delivery of signals: bursts, their order, and the loop that a signal belongs to.</summary>
[UnsupportedOSPlatform("windows")]
public sealed class SignalDeliveryTests : LoopTestBase
{
    private const int EBUSY = 16;

    [Fact]
    public void A_burst_causes_one_call_of_each_watcher_in_the_order_of_their_starts()
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Signal(Signum.SIGUSR1, (_, _) => log += "a").Start();
        loop.Signal(Signum.SIGUSR1, (_, _) => log += "b").Start();

        for (int i = 0; i < 3; i++)
        {
            Ev.FeedSignal(Signum.SIGUSR1);
        }

        Assert.Equal(0, loop.Pending); // the watchers become pending in an iteration, and not before
        loop.Start(RunFlags.NoWait);
        Assert.Equal("ab", log);
        loop.Start(RunFlags.NoWait);
        Assert.Equal("ab", log);
    }

    [Fact]
    public void A_burst_of_sent_signals_causes_one_call()
    {
        Loop loop = NewLoop();
        int calls = 0, before = 0, after = 0;

        // The runtime calls its registrations one after the other. So when the first and the last one have been called, the
        // loop's one in between has been called too.
        using var first = PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR1, _ => Interlocked.Increment(ref before));
        loop.Signal(Signum.SIGUSR1, (_, _) => calls++).Start();
        using var last = PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR1, _ => Interlocked.Increment(ref after));

        for (int i = 1; i <= 3; i++)
        {
            Posix.Raise(Signum.SIGUSR1);
            Assert.True(Posix.Until(() => Volatile.Read(ref before) == i && Volatile.Read(ref after) == i));
        }

        Assert.Equal(0, loop.Pending);
        loop.Start(RunFlags.Once);
        Assert.Equal(1, calls);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_higher_priority_is_called_first()
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Signal(Signum.SIGUSR1, (_, _) => log += "low ", priority: -1).Start();
        loop.Signal(Signum.SIGUSR2, (_, _) => log += "high ", priority: 1).Start();
        Ev.FeedSignal(Signum.SIGUSR1);
        Ev.FeedSignal(Signum.SIGUSR2);
        loop.Start(RunFlags.NoWait);
        Assert.Equal("high low ", log);
    }

    [Fact]
    public void A_watcher_can_stop_the_next_one_of_its_signal()
    {
        Loop loop = NewLoop();
        string log = "";
        Signal? b = null;
        Signal a = loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            log += "a";
            b!.Stop();
            w.Dispose();
        });
        b = loop.Signal(Signum.SIGUSR1, (_, _) => log += "b");
        a.Start();
        b.Start();
        Ev.FeedSignal(Signum.SIGUSR1);
        Assert.False(loop.Start());
        Assert.Equal("a", log);
    }

    [Fact]
    public void A_signal_belongs_to_one_loop_until_its_last_watcher_there_stops()
    {
        Loop a = NewLoop(), b = NewLoop();
        string log = "";
        Signal first = a.Signal(Signum.SIGUSR1, (_, _) => log += "a"), second = a.Signal(Signum.SIGUSR1, (_, _) => log += "A");
        Signal other = b.Signal(Signum.SIGUSR1, (_, _) => log += "b");
        first.Start();
        second.Start();
        CheckRefused();
        first.Stop();
        CheckRefused();
        second.Stop();
        other.Start();
        Assert.True(other.IsActive);
        Assert.Throws<EventException>(first.Start);
        Assert.False(first.IsActive);

        Ev.FeedSignal(Signum.SIGUSR1);
        a.Start(RunFlags.NoWait);
        b.Start(RunFlags.NoWait);
        Assert.Equal("b", log);

        void CheckRefused()
        {
            Assert.Equal(EBUSY, Assert.Throws<EventException>(other.Start).NativeErrorCode);
            Assert.False(other.IsActive);
            Assert.False(b.Start());
        }
    }

    [Fact]
    public void A_disposed_loop_does_not_own_a_signal()
    {
        Loop a = NewLoop(), b = NewLoop();
        int calls = 0;
        a.Signal(Signum.SIGUSR1, (_, _) => { }).Start();
        Signal other = b.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        Assert.Throws<EventException>(other.Start);
        a.Dispose();
        other.Start();
        Posix.Raise(Signum.SIGUSR1);
        Assert.False(b.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_collected_loop_does_not_own_a_signal()
    {
        Abandon();
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live() == (0, 0);
        }));

        Loop loop = NewLoop();
        int calls = 0;
        loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        }).Start();
        Posix.Raise(Signum.SIGUSR1);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);

        static void Abandon() => new Loop(LoopFlags.NoEnv).Signal(Signum.SIGUSR1, (_, _) => { }).Start();
    }

    [Fact]
    public void A_signal_that_came_before_Start_is_not_reported()
    {
        Loop loop = NewLoop();
        int calls = 0, others = 0;
        using var other = PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR1, c =>
        {
            c.Cancel = true;
            Interlocked.Increment(ref others);
        });
        Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => calls++);

        Posix.Raise(Signum.SIGUSR1);
        Assert.True(Posix.Until(() => Volatile.Read(ref others) == 1));
        w.Start();
        Run();

        // A signal between Stop and Start is not reported, and neither is a signal that was followed by Stop.
        w.Stop();
        Posix.Raise(Signum.SIGUSR1);
        Assert.True(Posix.Until(() => Volatile.Read(ref others) == 2));
        w.Start();
        Ev.FeedSignal(Signum.SIGUSR1);
        w.Stop();
        w.Start();
        Run();
        Assert.Equal(0, calls);

        Ev.FeedSignal(Signum.SIGUSR1);
        Run();
        Assert.Equal(1, calls);

        void Run()
        {
            loop.Start(RunFlags.NoWait);
            loop.Start(RunFlags.NoWait);
        }
    }

    [Fact]
    public void A_signal_that_came_before_Start_of_another_loop_s_watcher_is_not_reported()
    {
        Loop a = NewLoop(), b = NewLoop();
        int calls = 0;
        Signal first = a.Signal(Signum.SIGUSR1, (_, _) => calls++), second = b.Signal(Signum.SIGUSR1, (_, _) => calls++);
        first.Start();
        Ev.FeedSignal(Signum.SIGUSR1);
        first.Stop();
        second.Start();
        b.Start(RunFlags.NoWait);
        a.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_signal_wakes_a_loop_that_waits(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            if (++calls == 5)
            {
                w.Stop();
            }
        }).Start();
        using var stop = new ManualResetEventSlim();
        var thread = new Thread(() =>
        {
            while (!stop.Wait(2))
            {
                Ev.FeedSignal(Signum.SIGUSR1);
            }
        });
        thread.Start();
        Assert.False(loop.Start());
        stop.Set();
        thread.Join();
        Assert.Equal(5, calls);
    }

    [Fact]
    public void Watchers_can_be_started_and_stopped_while_signals_arrive()
    {
        // The guard remains for the whole test, so that a signal that comes while no watcher is active does not end the process.
        using var guard = new SignalGuard(Signum.SIGUSR1);
        using var stop = new ManualResetEventSlim();
        var threads = new Thread[3];

        for (int i = 0; i < threads.Length; i++)
        {
            int number = i;
            threads[i] = new Thread(() =>
            {
                while (!stop.IsSet)
                {
                    if (number == 0)
                    {
                        Posix.Raise(Signum.SIGUSR1);
                    }
                    else
                    {
                        Ev.FeedSignal(Signum.SIGUSR1);
                    }
                }
            });
            threads[i].Start();
        }

        int calls = 0;

        for (int i = 0; i < 50; i++)
        {
            using var loop = new Loop(LoopFlags.NoEnv);
            int seen = 0;
            loop.Signal(Signum.SIGUSR1, (w, _) =>
            {
                calls++;

                if (++seen == 3)
                {
                    loop.Stop();
                }
            }).Start();
            loop.Start(); // the loop is then disposed with an active watcher
        }

        stop.Set();
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(150, calls);
    }
}
