using System;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loops in a process that may open no more file descriptors.</summary>
public sealed class LoopLimitTests : FdTestBase
{
    private const int EMFILE = 24;

    [Fact]
    public void With_too_few_descriptors_the_constructor_throws_and_takes_no_other_backend()
    {
        Make(); // loads the code, which needs file descriptors when it first runs
        Assert.Equal(EMFILE, Make(0));
        Assert.Equal(EMFILE, Make(1));
        Assert.True(Make(2) is 0 or EMFILE);
        Assert.Equal(0, Make(10));

        static int Make(int left = 100)
        {
            EventException? thrown = null;
            Backends backend = Backends.Auto;
            int calls = 0;
            Posix.WithFdsLeft(left, () => thrown = (EventException?)Record.Exception(() =>
            {
                using var loop = new Loop(LoopFlags.NoEnv);
                backend = loop.Backend;
                loop.Timer(0.001, 0, (_, _) => calls++).Start();
                loop.Start();
            }));

            if (thrown is null)
            {
                Assert.Equal((Backends.Epoll, 1), (backend, calls));
            }

            return thrown?.NativeErrorCode ?? 0;
        }
    }

    [Fact]
    public void The_default_loop_can_be_made_after_a_shortage_of_descriptors()
    {
        Loop.GetDefault(LoopFlags.NoEnv).Dispose();

        for (int left = 0; left < 2; left++)
        {
            EventException? thrown = null;
            Posix.WithFdsLeft(left, () => thrown = (EventException?)Record.Exception(() => Loop.GetDefault(LoopFlags.NoEnv)));
            Assert.Equal(EMFILE, thrown?.NativeErrorCode);
        }

        Loop loop = NewDefaultLoop();
        int code = -1;
        loop.Child(Posix.Spawn("exit 3"), trace: false, (w, _) =>
        {
            code = w.ExitCode;
            w.Dispose();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(3, code);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Reset_that_throws_leaves_the_loop_unchanged(Backends backend)
    {
        Loop loop = NewLoop(backend);
        (int read, int write) = NewPipe();
        int forks = 0, reads = 0, sent = 0;
        Fork fork = loop.Fork((_, _) => forks++);
        fork.KeepAlive = false;
        fork.Start();
        Io io = loop.Io(read, Events.Read, (w, _) =>
        {
            Posix.Read(w.Fd);
            reads++;
        });
        io.Start();
        Async async = loop.Async((_, _) => sent++);
        async.Start();
        Check(1);
        loop.Reset(); // loads the code, which needs file descriptors when it first runs
        Check(2);
        Assert.Equal(1, forks);

        EventException? thrown = null;
        Posix.WithFdsLeft(0, () => thrown = (EventException?)Record.Exception(loop.Reset));
        Assert.Equal(EMFILE, thrown?.NativeErrorCode);
        Check(3);
        Assert.Equal(1, forks);

        loop.Reset();
        Check(4);
        Assert.Equal(2, forks);

        void Check(int times)
        {
            Posix.Write(write);
            async.Send();

            while (reads < times || sent < times)
            {
                Assert.True(loop.Start(RunFlags.Once));
            }

            Assert.Equal((times, times), (reads, sent));
        }
    }

    [Fact]
    public void A_Reset_that_has_returned_needs_no_further_descriptor()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Async async = loop.Async((w, _) =>
        {
            if (++calls == 2)
            {
                w.Stop();
            }
        });
        async.Start();
        loop.Start(RunFlags.NoWait);
        loop.Reset();
        bool? more = null;
        Posix.WithFdsLeft(0, () =>
        {
            async.Send();
            more = loop.Start(RunFlags.Once);
        });
        Assert.True(more);

        while (calls < 2)
        {
            async.Send();
            loop.Start(RunFlags.Once);
        }

        Assert.False(loop.Start());
    }
}
