using System;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>In steady state, neither an event nor a call allocates memory.</summary>
public sealed class AllocationTests : LoopTestBase
{
    private const int Rounds = 2000;

    [Fact]
    public void A_timer_event_allocates_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 0, (_, _) => calls++);
        AssertAllocatesNothing(() =>
        {
            timer.Start();
            loop.Start();
        });
        Assert.InRange(calls, Rounds, int.MaxValue);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void An_io_event_allocates_nothing(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = Posix.Pipe();
        Posix.Write(write); // the byte is never read, so the fd stays ready
        int calls = 0;
        loop.Io(read, Events.Read, (_, _) => calls++).Start();
        AssertAllocatesNothing(() =>
        {
            int before = calls;

            while (calls == before)
            {
                loop.Start(RunFlags.Once);
            }
        });
        Assert.InRange(calls, Rounds, int.MaxValue);
        Posix.Close(read, write);
    }

    [Fact]
    public void An_idle_event_allocates_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Idle((_, _) => calls++).Start();
        AssertAllocatesNothing(() => loop.Start(RunFlags.NoWait));
        Assert.InRange(calls, Rounds, int.MaxValue);
    }

    [Fact]
    public void Prepare_and_check_events_allocate_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Prepare((_, _) => calls++).Start();
        loop.Check((_, _) => calls++).Start();
        AssertAllocatesNothing(() => loop.Start(RunFlags.NoWait));
        Assert.InRange(calls, 2 * Rounds, int.MaxValue);
    }

    [Fact]
    public void Send_and_its_event_allocate_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Async async = loop.Async((_, _) => calls++);
        async.Start();
        AssertAllocatesNothing(() =>
        {
            async.Send();
            async.Send();
            _ = async.Sent;
            loop.Start(RunFlags.Once);
        });
        Assert.InRange(calls, Rounds, int.MaxValue);
    }

    [Fact]
    public void Post_and_its_call_allocate_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Action action = () => calls++;
        Action<object> withObject = _ => calls++;
        Action<(int, long)> withValue = t => calls += t.Item1;
        AssertAllocatesNothing(() =>
        {
            for (int i = 0; i < 10; i++)
            {
                loop.Post(action);
                loop.Post(withObject, this);
                loop.Post(withValue, (1, 2L));
                loop.TryPost(action);
            }

            loop.Start(RunFlags.NoWait);
        });
        Assert.InRange(calls, 40 * Rounds, int.MaxValue);
    }

    [Fact]
    public void Feed_Clear_and_Invoke_allocate_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Idle idle = loop.Idle((_, _) => calls++);
        AssertAllocatesNothing(() =>
        {
            idle.Feed(Events.Custom);
            idle.Clear();
            idle.Feed(Events.Custom);
            loop.Invoke();
            idle.Invoke(Events.Custom);
        });
        Assert.InRange(calls, 2 * Rounds, int.MaxValue);
    }

    [Fact]
    public void Periodic_and_scheduler_events_allocate_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(1, 0, (_, _) => calls++); // an absolute time in the past
        Scheduler scheduler = loop.Scheduler((_, now) => now, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        AssertAllocatesNothing(() =>
        {
            periodic.Start();
            scheduler.Start();
            loop.Start();
        });
        Assert.InRange(calls, 2 * Rounds, int.MaxValue);
    }

    [Fact]
    public void A_signal_event_allocates_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Signal(Signum.SIGUSR1, (_, _) => calls++).Start();
        AssertAllocatesNothing(() =>
        {
            Ev.FeedSignal(Signum.SIGUSR1);
            loop.Start(RunFlags.Once);
        });
        Assert.InRange(calls, Rounds, int.MaxValue);
    }

    [Fact]
    public void Callback_allocates_nothing()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Callback = l =>
        {
            calls++;
            l.Invoke();
        };
        AssertAllocatesNothing(() => loop.Start(RunFlags.NoWait));
        Assert.InRange(calls, Rounds, int.MaxValue);
    }

    [Fact]
    public void Starting_stopping_and_setting_allocate_nothing()
    {
        Loop loop = NewLoop();
        (int read, int write) = Posix.Pipe();
        Io io = loop.Io(read, Events.Read, (_, _) => { });
        Timer timer = loop.Timer(1, 2, (_, _) => { });
        Periodic periodic = loop.Periodic(0, 2, (_, _) => { });
        Watcher[] watchers = [io, timer, periodic, loop.Idle(), loop.Check((_, _) => { }), loop.Fork((_, _) => { }), loop.Async((_, _) => { })];
        AssertAllocatesNothing(() =>
        {
            foreach (Watcher watcher in watchers)
            {
                watcher.Start();
                watcher.KeepAlive = false;
                watcher.KeepAlive = true;
                _ = watcher.IsActive || watcher.IsPending;
                watcher.Stop();
                watcher.Priority = 1;
            }

            io.Set(read, Events.Write);
            io.Start();
            io.Events = Events.Read;
            io.Stop();
            timer.Set(1, 2);
            timer.Start();
            timer.Reset();
            timer.Repeat = 3;
            _ = timer.Remaining;
            timer.Stop();
            periodic.Set(0, 2);
            periodic.Reset();
            _ = periodic.At;
            periodic.Stop();
        });
        Posix.Close(read, write);
    }

    [Fact]
    public void The_loop_s_own_members_allocate_nothing()
    {
        Loop loop = NewLoop();
        AssertAllocatesNothing(() =>
        {
            _ = loop.Now() + loop.Now(update: true) + Ev.Time();
            _ = loop.Iteration + loop.Depth + loop.Pending;
            loop.IncRef();
            loop.DecRef();
            loop.Suspend();
            loop.Resume();
            loop.Stop();
            loop.FeedFdEvent(0, Events.Read);
            loop.FeedSignalEvent(Signum.SIGUSR1);
            loop.Start(RunFlags.NoWait);
        });
    }

    private static void AssertAllocatesNothing(Action action)
    {
        long allocated = -1;

        // The runtime may allocate on this thread while it still optimizes the code. An allocation of the library would appear in every
        // attempt.
        for (int attempt = 0; attempt < 5 && allocated != 0; attempt++)
        {
            long before = GC.GetAllocatedBytesForCurrentThread();

            for (int i = 0; i < Rounds; i++)
            {
                action();
            }

            allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        }

        Assert.Equal(0, allocated);
    }
}
