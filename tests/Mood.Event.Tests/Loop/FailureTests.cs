using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using Mood.Event.Interop;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>What the system refuses in the middle of things: an EventException with its errno, and a loop that goes on.</summary>
public sealed class FailureTests : FdTest
{
    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_while_starting_watchers_ends_the_next_start_and_loses_none(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Native.mood_fail_allocation(1);

        // libev's heap of timers has to grow somewhere on the way
        for (int i = 0; i < 5000; i++)
        {
            loop.Timer(0, 0, (_, _) => calls++).Start();
        }

        var e = Assert.Throws<EventException>(() => loop.Start(RunFlags.NoWait));
        Assert.Equal(Native.ENOMEM, e.NativeErrorCode);
        Assert.False(loop.Start());
        Assert.Equal(5000, calls);
        loop.Verify();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_inside_a_callback_ends_start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var calls = new List<int>();
        loop.Timer(0, 0, (_, _) =>
        {
            Native.mood_fail_allocation(1);

            for (int i = 0; i < 5000; i++)
            {
                loop.Prepare((_, _) => calls.Add(0)).Start();
            }
        }).Start();

        Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(5000, calls.Count);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_inside_a_callback_ends_the_starts_in_it_too(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0, starts = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            Native.mood_fail_allocation(1);

            for (int i = 0; i < 5000; i++)
            {
                loop.Prepare((_, _) => calls++).Start();
            }

            while (starts < 1000 && loop.Start(RunFlags.NoWait))
            {
                starts++;
            }
        }).Start();

        Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        Assert.Equal(0, starts);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(5000, calls);
    }

    [Fact]
    public void Out_of_memory_while_a_loop_is_made_is_the_constructor_s()
    {
        (int Loops, int Watchers) before = Live();
        int descriptors = Descriptors().Count;

        for (int nth = 1; nth <= 2; nth++)
        {
            Native.mood_fail_allocation(nth);
            Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => new Loop(LoopFlags.NoEnv)).NativeErrorCode);
        }

        Assert.Equal(before, Live());
        Assert.Equal(descriptors, Descriptors().Count);
        Native.mood_fail_allocation(0);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_wait_that_the_system_refuses_ends_start_with_its_errno_and_loses_nothing(Backends backend)
    {
        const int EIO = 5;

        foreach (int error in new[] { EIO, Native.ENOMEM, Native.EBADF })
        {
            Loop loop = NewLoop(backend);
            (int read, int write) = NewPipe();
            int reads = 0, timers = 0, sends = 0;
            Io io = loop.Io(read, Events.Read, (w, _) =>
            {
                reads++;
                w.Stop();
            });
            Timer timer = loop.Timer(0.01, 0, (_, _) => timers++);
            Async async = loop.Async((w, _) =>
            {
                sends++;
                w.Stop();
            });
            Native.mood_fail_wait(error);
            io.Start();
            timer.Start();
            async.Start();
            Exception? left = Record.Exception(() => loop.Start(RunFlags.Once)); // nothing is ready: it has to wait

            // with poll and select EBADF is the word for a closed fd: libev looks for it, and finds none
            if (error != Native.EBADF || backend is not (Backends.Poll or Backends.Select))
            {
                Assert.Equal(error, Assert.IsType<EventException>(left).NativeErrorCode);
            }

            Posix.Write(write);
            async.Send();
            Assert.False(loop.Start());
            Assert.Equal((1, 1, 1), (reads, timers, sends));
            loop.Verify();
            CheckUsable(loop);
            CloseFd(write);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_wait_that_a_signal_interrupts_is_no_failure(Backends backend)
    {
        const int EINTR = 4;
        Loop loop = NewLoop(backend);
        (int read, _) = NewReadablePipe();
        int reads = 0;
        loop.Io(read, Events.Read, (w, _) =>
        {
            reads++;
            w.Stop();
        }).Start();
        Native.mood_fail_wait(EINTR);
        Assert.False(loop.Start());
        Assert.Equal(1, reads);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_system_that_goes_on_refusing_stops_every_start_and_never_spins(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(0.001, 0.001, (_, _) => calls++).Start();

        for (int i = 0; i < 20; i++)
        {
            uint before = loop.Iteration;
            Native.mood_fail_wait(Native.ENOMEM);
            Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
            Assert.InRange(loop.Iteration - before, 1u, 2u);
        }

        // what was under way, or a signal of the runtime's, may end a wait before the timer is due: that is an iteration too
        int iterations = 0;

        while (calls == 0)
        {
            Assert.True(loop.Start(RunFlags.Once));
            Assert.InRange(++iterations, 1, 10);
        }
    }

    [Theory]
    [InlineData(Backends.Epoll, "[eventpoll]")]
    [InlineData(Backends.IoUring, "[io_uring]")]
    public void A_backend_whose_fd_somebody_closed_ends_start_with_its_errno(Backends backend, string name)
    {
        if (!IsWorking(backend))
        {
            Console.WriteLine($"{backend} does not work here: nothing to close");
            return;
        }

        List<int> before = Descriptors(name);
        Loop loop = NewLoop(backend);
        loop.Timer(0.01, 0.01, (_, _) => { }).Start();
        Assert.True(loop.Start(RunFlags.Once));
        Posix.Close(Assert.Single(Descriptors(name).Except(before)));

        var e = Assert.Throws<EventException>(() => loop.Start());
        Assert.Equal(Native.EBADF, e.NativeErrorCode);
    }

    private static List<int> Descriptors(string name = "") =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Where(f => (new FileInfo(f).LinkTarget ?? "").EndsWith(name, StringComparison.Ordinal))
            .Select(f => int.Parse(Path.GetFileName(f), System.Globalization.CultureInfo.InvariantCulture)),
    ];
}
