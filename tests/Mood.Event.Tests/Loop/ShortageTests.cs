using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>If no file descriptor is free, a loop works without its optional ones, or throws.</summary>
public sealed class ShortageTests : FdTestBase
{
    private const int EMFILE = 24;

    [Fact]
    public void The_first_periodic_works_without_a_timerfd()
    {
        Loop loop = NewLoop(Backends.Epoll);
        int calls = 0, schedules = 0;
        Periodic periodic = loop.Periodic(0, 0.02, (w, _) =>
        {
            if (++calls == 3)
            {
                w.Stop();
            }
        });
        Scheduler scheduler = loop.Scheduler((_, now) => now + 0.03, (w, _) =>
        {
            schedules++;
            w.Stop();
        });
        int fds = Posix.OpenFds();
        Posix.WithFdsLeft(0, () =>
        {
            periodic.Start();
            scheduler.Start();
        });
        Assert.Equal(fds, Posix.OpenFds());
        Assert.False(loop.Start());
        Assert.Equal((3, 1), (calls, schedules));

        // A loop that is made later, with free fds, has its timerfd.
        using var other = new Loop(LoopFlags.NoEnv, Backends.Epoll);
        fds = Posix.OpenFds();
        other.Periodic(0, 1, (_, _) => { }).Start();
        Assert.Equal(fds + 1, Posix.OpenFds());
    }

    [Fact]
    public void The_first_stat_watcher_polls_without_inotify()
    {
        Loop loop = NewLoop(Backends.Epoll);
        string path = Path.GetTempFileName();

        try
        {
            int calls = 0;
            Stat stat = loop.Stat(path, 0.11, (w, _) =>
            {
                calls++;
                w.Stop();
            });
            int fds = Posix.OpenFds();
            Posix.WithFdsLeft(0, stat.Start);
            Assert.Equal(fds, Posix.OpenFds());
            File.AppendAllText(path, "more");
            Assert.False(loop.Start());
            Assert.Equal((1, 4), (calls, stat.Attr.Size));
        }
        finally
        {
            File.Delete(path);
        }
    }

    /// <summary>libev asks for a timerfd once, and after a refusal would notice steps of the wall clock up to a minute late for ever.</summary>
    [Theory, MemberData(nameof(AllBackends))]
    public void The_next_periodic_gets_the_timerfd_that_the_first_one_did_not_get(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Periodic first = loop.Periodic(0, 1000, (_, _) => { });
        int fds = Posix.OpenFds();
        Posix.WithFdsLeft(0, first.Start);
        Assert.Equal(fds, Posix.OpenFds());
        loop.Scheduler((_, now) => now + 1000, (_, _) => { }).Start();
        Assert.Equal(fds + 1, Posix.OpenFds());
        loop.Periodic(0, 1000, (_, _) => { }).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(fds + 1, Posix.OpenFds());
        Assert.True(first.IsActive);
        loop.Verify();

        using var without = new Loop(LoopFlags.NoEnv | LoopFlags.NoTimerFd, backend);
        using var manual = new Loop(LoopFlags.NoEnv, backend, clock: new ManualClock());
        fds = Posix.OpenFds();
        without.Periodic(0, 1000, (_, _) => { }).Start();
        manual.Periodic(0, 1000, (_, _) => { }).Start();
        Assert.Equal(fds, Posix.OpenFds());
    }

    /// <summary>libev asks for inotify once, and after a refusal would only poll for ever.</summary>
    [Theory, MemberData(nameof(AllBackends))]
    public void The_next_stat_watcher_gets_the_inotify_that_the_first_one_did_not_get(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string path = Path.GetTempFileName();

        try
        {
            int calls = 0;
            Stat first = loop.Stat(path, 1000, (w, _) => w.Stop());
            Stat second = loop.Stat(path, 1000, (w, _) =>
            {
                calls++;
                loop.Stop();
            });
            loop.Timer(20, 0, (_, _) => loop.Stop()).Start(); // without inotify the change is found after 1000 s
            int fds = Posix.OpenFds();
            Posix.WithFdsLeft(0, first.Start);
            Assert.Equal(fds, Posix.OpenFds());
            second.Start();
            Assert.Equal(fds + 1, Posix.OpenFds());
            loop.Start(RunFlags.NoWait);
            File.AppendAllText(path, "more");
            loop.Start();
            Assert.Equal((1, 4), (calls, second.Attr.Size));
            loop.Verify();

            using var without = new Loop(LoopFlags.NoEnv | LoopFlags.NoInotify, backend);
            fds = Posix.OpenFds();
            without.Stat(path, 1000, (_, _) => { }).Start();
            Assert.Equal(fds, Posix.OpenFds());
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Reset_without_free_descriptors_throws_and_the_loop_is_unchanged()
    {
        Loop loop = NewLoop(Backends.Epoll);
        int forks = 0;
        loop.Fork((_, _) => forks++).Start();
        EventException? refused = null;
        Posix.WithFdsLeft(0, () => refused = (EventException?)Record.Exception(loop.Reset));
        Assert.Equal(EMFILE, Assert.IsType<EventException>(refused).NativeErrorCode);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, forks);

        loop.Reset();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, forks);
    }

    [Theory]
    [InlineData(Backends.Epoll)]
    [InlineData(Backends.LinuxAio)]
    public void Epoll_is_created_again_while_another_thread_takes_every_free_number(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, _) = NewReadablePipe();
        int calls = 0;
        loop.Io(read, Events.Read, (_, _) => calls++).Start();
        loop.Start(RunFlags.Once);
        var taken = new List<int>();
        bool full = false, over = false;
        var thread = new Thread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                if (Volatile.Read(ref full) && Posix.Duplicate(read) is int fd and >= 0)
                {
                    taken.Add(fd);
                }
            }
        });
        thread.Start();

        try
        {
            for (int i = 1; i <= 100; i++)
            {
                loop.Reset();
                calls = 0;
                Posix.WithFdsLeft(0, () =>
                {
                    Volatile.Write(ref full, true);
                    loop.Start(RunFlags.NoWait);
                    loop.Start(RunFlags.Once);
                    Volatile.Write(ref full, false);
                });
                Assert.InRange(calls, 1, 2);
            }
        }
        finally
        {
            Volatile.Write(ref over, true);
            thread.Join();
            Posix.Close([.. taken]);
        }
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Members_that_need_no_file_descriptor_work_when_none_is_left(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, _) = NewReadablePipe();
        int io = 0, timers = 0, sends = 0;
        Async async = loop.Async((w, _) =>
        {
            sends++;
            w.Stop();
        });
        Io[] ios = [.. Enumerable.Range(0, 3).Select(_ => loop.Io(read, Events.Read, (w, _) =>
        {
            io++;
            w.Stop();
        }))];
        Timer timer = loop.Timer(0.01, 0, (_, _) => timers++);
        timer.Start(); // loads the code, which may need fds when it first runs
        loop.Start();
        Posix.WithFdsLeft(0, () =>
        {
            async.Start();
            async.Send();
            Array.ForEach(ios, i => i.Start());
            timer.Start();
            loop.Start();
        });
        Assert.Equal((3, 2, 1), (io, timers, sends));
    }
}
