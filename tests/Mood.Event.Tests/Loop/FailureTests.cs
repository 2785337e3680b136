using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Net.Sockets;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>When a system call fails while a loop runs, Start throws an EventException with the errno, and the loop can be used
/// afterwards.</summary>
public sealed class FailureTests : FdTestBase
{
    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_while_watchers_are_started_ends_the_next_Start_and_no_watcher_is_lost(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        NativeTesting.mood_fail_allocation(1);

        // libev's heap of timers must grow during these starts.
        for (int i = 0; i < 5000; i++)
        {
            loop.Timer(0, 0, (_, _) => calls++).Start();
        }

        EventException e = Assert.Throws<EventException>(() => loop.Start(RunFlags.NoWait));
        Assert.Equal(Native.ENOMEM, e.NativeErrorCode);
        Assert.False(loop.Start());
        Assert.Equal(5000, calls);
        loop.Verify();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_inside_a_callback_ends_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var calls = new List<int>();
        loop.Timer(0, 0, (_, _) =>
        {
            NativeTesting.mood_fail_allocation(1);

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
    public void Out_of_memory_inside_a_callback_ends_nested_Starts_too(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0, starts = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            NativeTesting.mood_fail_allocation(1);

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

    [Theory, MemberData(nameof(AllBackends))]
    public void Out_of_memory_outside_Start_ends_the_next_Start_before_it_waits(Backends backend)
    {
        Loop loop = NewLoop(backend);
        NativeTesting.mood_fail_allocation(1);

        for (int i = 0; i < 5000; i++)
        {
            loop.Timer(1000, 0, (_, _) => { }).Start();
        }

        CheckNextStart(loop);
    }

    // The arrays of the poll backend grow when an iteration begins, before the wait.
    [Fact]
    public void Out_of_memory_right_before_the_wait_ends_Start_without_a_wait()
    {
        Loop loop = NewLoop(Backends.Poll);
        loop.Start(RunFlags.NoWait);

        for (int i = 0; i < 50; i++)
        {
            loop.Io(NewPipe().Read, Events.Read, (_, _) => { }).Start();
        }

        loop.Timer(3, 0, (_, _) => { }).Start();
        var watch = Stopwatch.StartNew();
        NativeTesting.mood_fail_allocation(1);
        Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 2);
        Assert.True(loop.Start(RunFlags.NoWait));
        loop.Verify();
    }

    [Fact]
    public void Out_of_memory_in_any_other_member_ends_the_next_Start_too()
    {
        Loop loop = NewLoop();
        loop.Async((_, _) => { }).Start();
        Timer fed = loop.Timer(1000, 0, (_, _) => { }, priority: 1);
        NativeTesting.mood_fail_allocation(1);
        fed.Feed(Events.Custom);
        CheckNextStart(loop);

        (int read, _) = NewPipe();
        loop = NewLoop();
        loop.Io(read, Events.Read, (_, _) => { }).Start();
        NativeTesting.mood_fail_allocation(1);
        loop.FeedFdEvent(read, Events.Read);
        CheckNextStart(loop);

        loop = NewLoop();
        loop.Signal(Signum.SIGUSR1, (_, _) => { }).Start();
        NativeTesting.mood_fail_allocation(1);
        loop.FeedSignalEvent(Signum.SIGUSR1);
        CheckNextStart(loop);

        loop = NewLoop();
        NativeTesting.mood_fail_allocation(1);

        for (int i = 0; i < 5000; i++)
        {
            loop.Timer(1000, 1000, (_, _) => { }).Reset();
        }

        CheckNextStart(loop);
    }

    [Fact]
    public void Out_of_memory_for_a_watcher_of_another_loop_is_thrown_by_that_loop()
    {
        Loop loop = NewLoop(), other = NewLoop();
        Timer fed = other.Timer(1000, 0, (_, _) => { });
        int calls = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            NativeTesting.mood_fail_allocation(1);
            fed.Feed(Events.Custom);
            calls++;
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        CheckNextStart(other);
    }

    [Theory]
    [InlineData("wake")]
    [InlineData("periodic")]
    [InlineData("stat")]
    [InlineData("embed")]
    public void If_the_kernel_refuses_to_watch_an_fd_of_the_loop_s_own_Start_ends_and_the_next_Start_tries_again(string what)
    {
        Loop loop = NewLoop(Backends.Epoll), inner = NewLoop(Backends.Epoll);
        (int read, int write) = NewPipe();
        int reads = 0, sends = 0;
        inner.Io(read, Events.Read, (w, _) =>
        {
            reads++;
            w.Stop();
            loop.Stop();
        }).Start();
        inner.Start(RunFlags.NoWait);
        Timer timer = loop.Timer(1000, 0, (_, _) => { });
        timer.Start();
        Watcher? watcher = what switch
        {
            "periodic" => loop.Periodic(0, 3600, (_, _) => { }),
            "stat" => loop.Stat("/", 100, (_, _) => { }),
            "embed" => loop.Embed(inner),
            _ => null,
        };

        if (watcher is not null)
        {
            loop.Start(RunFlags.NoWait);
            watcher.Start();
        }

        foreach (int error in new[] { Native.ENOSPC, Native.ENOMEM })
        {
            if (what == "embed")
            {
                // If the kernel refuses the fd in Embed.Start, Embed.Start throws. If it refuses the fd after a Reset of the inner loop, the
                // outer loop's Start throws.
                watcher!.Stop();
                NativeTesting.mood_fail_watch(error);
                Assert.Equal(error, Assert.Throws<EventException>(watcher.Start).NativeErrorCode);
                Assert.False(watcher.IsActive);
                watcher.Start();
                inner.Reset();
                inner.Start(RunFlags.NoWait);
            }

            NativeTesting.mood_fail_watch(error);
            Assert.Equal(error, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        }

        if (what == "embed")
        {
            Posix.Write(write);
            Assert.True(loop.Start());
            Assert.Equal(1, reads);
        }

        // Other threads can still wake the loop.
        Async async = loop.Async((_, _) =>
        {
            sends++;
            loop.Stop();
        });
        async.Start();
        var thread = new Thread(() =>
        {
            Thread.Sleep(100);
            async.Send();
        });
        thread.Start();
        Assert.True(loop.Start());
        thread.Join();
        Assert.Equal(1, sends);
        loop.Verify();

        // The refusals have left the reference count unchanged.
        watcher?.Stop();
        timer.Stop();
        async.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        timer.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        loop.Verify();
    }

    [Theory]
    [InlineData(Native.ENOSPC)]
    [InlineData(Native.ENOMEM)]
    public void If_the_kernel_refuses_to_watch_the_fd_of_an_Io_Start_ends_before_it_waits(int error)
    {
        Loop loop = NewLoop(Backends.Epoll);
        (int read, _) = NewPipe();
        loop.Start(RunFlags.NoWait);
        Io io = loop.Io(read, Events.Read, (_, _) => { });
        io.Start();
        NativeTesting.mood_fail_watch(error);
        Assert.Equal(error, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        Assert.False(io.IsActive);
        CheckUsable(loop);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void If_the_kernel_refuses_to_watch_the_socket_of_an_Io_CallbackException_is_raised_or_a_fatal_Io_ends_Start(bool isFatal)
    {
        Loop loop = NewLoop(Backends.Epoll);
        (Socket socket, Socket peer) = NewConnection();
        var raised = new List<CallbackExceptionEventArgs>();
        loop.CallbackException += (_, e) => raised.Add(e);
        loop.Start(RunFlags.NoWait);
        Io io = loop.Io(socket, Events.Read, (_, _) => loop.Stop());
        io.Fatal = isFatal;
        io.Start();
        NativeTesting.mood_fail_watch(Native.ENOSPC);

        if (isFatal)
        {
            Assert.Equal(Native.ENOSPC, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
            Assert.Empty(raised);
        }
        else
        {
            Assert.False(loop.Start()); // nothing is active any more
            CallbackExceptionEventArgs e = Assert.Single(raised);
            Assert.Same(io, e.Watcher);
            Assert.Equal(Native.ENOSPC, Assert.IsType<EventException>(e.Exception).NativeErrorCode);
        }

        Assert.False(io.IsActive);
        peer.Send([1]);
        io.Start();
        Assert.True(loop.Start());
        loop.Verify();
    }

    [Fact]
    public void If_the_kernel_refuses_to_watch_a_socket_that_is_awaited_only_the_await_fails()
    {
        Loop loop = NewLoop(Backends.Epoll);
        (Socket socket, Socket peer) = NewConnection();
        byte[] buffer = new byte[1];
        loop.Start(RunFlags.NoWait);
        loop.Run(async () =>
        {
            NativeTesting.mood_fail_watch(Native.ENOSPC);
            EventException e = await Assert.ThrowsAsync<EventException>(async () => await socket.ReceiveAsync(loop, buffer));
            Assert.Equal(Native.ENOSPC, e.NativeErrorCode);
            loop.Timer(0.01, 0, (_, _) => peer.Send([7])).Start();
            Assert.Equal(1, await socket.ReceiveAsync(loop, buffer));
        });
        Assert.Equal(7, buffer[0]);
        loop.Verify();
    }

    [Fact]
    public void Feeding_and_clearing_any_number_of_events_outside_Start_needs_no_memory()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Idle[] idles = new Idle[100];

        for (int i = 0; i < idles.Length; i++)
        {
            idles[i] = loop.Idle((_, _) => calls++);
        }

        FeedAndClear(1000);
        NativeTesting.mood_fail_allocation(1);

        try
        {
            FeedAndClear(20_000);
        }
        finally
        {
            NativeTesting.mood_fail_allocation(0);
        }

        idles[0].Feed(Events.Custom);
        loop.Start(RunFlags.NoWait); // throws if an allocation has failed
        Assert.Equal(1, calls);

        void FeedAndClear(int rounds)
        {
            for (int round = 0; round < rounds; round++)
            {
                foreach (Idle idle in idles)
                {
                    idle.Feed(Events.Custom);
                }

                foreach (Idle idle in idles)
                {
                    idle.Clear();
                }
            }
        }
    }

    [Fact]
    public void Out_of_memory_while_a_loop_is_made_is_thrown_by_the_constructor()
    {
        (int Loops, int Watchers) before = Live();
        int descriptors = Descriptors().Count;

        for (int nth = 1; nth <= 2; nth++)
        {
            NativeTesting.mood_fail_allocation(nth);
            Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => new Loop(LoopFlags.NoEnv)).NativeErrorCode);
        }

        Assert.Equal(before, Live());
        Assert.Equal(descriptors, Descriptors().Count);
        NativeTesting.mood_fail_allocation(0);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_wait_that_the_system_refuses_ends_Start_with_the_errno_and_no_event_is_lost(Backends backend)
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
            NativeTesting.mood_fail_wait(error);
            io.Start();
            timer.Start();
            async.Start();
            Exception? left = Record.Exception(() => loop.Start(RunFlags.Once)); // waits, because nothing is ready

            // After EBADF from poll or select, libev searches for a closed fd. It finds none, so Start does not throw.
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
        NativeTesting.mood_fail_wait(EINTR);
        Assert.False(loop.Start());
        Assert.Equal(1, reads);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void While_the_kernel_refuses_every_wait_each_Start_throws_and_none_spins(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(0.001, 0.001, (_, _) => calls++).Start();

        for (int i = 0; i < 20; i++)
        {
            uint before = loop.Iteration;
            NativeTesting.mood_fail_wait(Native.ENOMEM);
            Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
            Assert.InRange(loop.Iteration - before, 1u, 2u);
        }

        // An earlier event or a signal of the runtime may end a wait before the timer is due, and each wait is an iteration.
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
    public void If_the_fd_of_the_backend_was_closed_Start_ends_with_the_errno(Backends backend, string name)
    {
        if (!IsWorking(backend))
        {
            Console.WriteLine($"{backend} does not work on this machine, so there is no fd to close");
            return;
        }

        List<int> before = Descriptors(name);
        Loop loop = NewLoop(backend);
        loop.Timer(0.01, 0.01, (_, _) => { }).Start();
        Assert.True(loop.Start(RunFlags.Once));
        Posix.Close(Assert.Single(Descriptors(name).Except(before)));

        EventException e = Assert.Throws<EventException>(() => loop.Start());
        Assert.Equal(Native.EBADF, e.NativeErrorCode);
    }

    private static void CheckNextStart(Loop loop)
    {
        Assert.Equal(Native.ENOMEM, Assert.Throws<EventException>(() => loop.Start()).NativeErrorCode);
        loop.Start(RunFlags.NoWait);
        loop.Verify();
    }

    private static List<int> Descriptors(string name = "") =>
    [
        .. Directory.GetFiles("/proc/self/fd")
            .Where(f => (new FileInfo(f).LinkTarget ?? "").EndsWith(name, StringComparison.Ordinal))
            .Select(f => int.Parse(Path.GetFileName(f), System.Globalization.CultureInfo.InvariantCulture)),
    ];

    [Theory, MemberData(nameof(AllBackends))]
    public void The_second_fatal_exception_raises_CallbackException(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var told = new List<(Watcher?, string)>();
        loop.CallbackException += (_, e) => told.Add((e.Watcher, e.Exception.Message));
        Timer inner = loop.Timer(0, 0, [Fatal] (_, _) => throw new InvalidTimeZoneException("inner"));
        Timer outer = loop.Timer(0, 0, [Fatal] (_, _) =>
        {
            inner.Invoke(Events.Timer);
            throw new InvalidTimeZoneException("outer");
        });
        outer.Start();
        Assert.Equal("inner", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal([(outer, "outer")], told);
    }

    [Fact]
    public void An_exception_of_Callback_after_a_fatal_one_raises_CallbackException()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        bool isCalled = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Timer(0, 0, [Fatal] (_, _) =>
        {
            isCalled = true;
            throw new InvalidTimeZoneException("watcher");
        }).Start();
        loop.Callback = loop =>
        {
            loop.Invoke();

            if (isCalled)
            {
                throw new InvalidTimeZoneException("callback");
            }
        };
        Assert.Equal("watcher", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal(["callback"], told);
    }

    [Fact]
    public void An_exception_of_SlowCallback_after_a_fatal_one_raises_CallbackException()
    {
        using var loop = new Loop(new LoopOptions { Flags = LoopFlags.NoEnv, SlowCallback = TimeSpan.FromMilliseconds(1) });
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.SlowCallback += (_, _) => throw new InvalidTimeZoneException("slow");
        loop.Timer(0, 0, [Fatal] (_, _) =>
        {
            Thread.Sleep(10);
            throw new InvalidTimeZoneException("watcher");
        }).Start();
        Assert.Equal("watcher", Assert.Throws<InvalidTimeZoneException>(() => loop.Start()).Message);
        Assert.Equal(["slow"], told);
    }
}
