using System;
using System.Runtime.InteropServices;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A Signal installs and removes handlers of the process. It changes no signal mask, whatever the flags of the loop are.</summary>
public sealed class SignalDispositionTests : LoopTestBase
{
    [Theory]
    [InlineData(10)] // USR1
    [InlineData(12)] // USR2
    [InlineData(40)]
    public void The_default_action_is_back_after_the_last_stop(int signum)
    {
        Loop loop = NewLoop();
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(signum));
        Signal a = loop.Signal(signum, (_, _) => { }), b = loop.Signal(signum, (_, _) => { });
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(signum));

        a.Start();
        nint handler = Posix.Disposition(signum);
        Assert.NotEqual(Posix.SIG_DFL, handler);
        Assert.NotEqual(Posix.SIG_IGN, handler);
        b.Start();
        a.Stop();
        Assert.Equal(handler, Posix.Disposition(signum));
        b.Stop();
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(signum));

        a.Start();
        Assert.Equal(handler, Posix.Disposition(signum));
        a.Dispose();
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(signum));

        b.Start();
        Assert.Equal(handler, Posix.Disposition(signum));
        loop.Dispose();
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(signum));
    }

    [Fact]
    public void The_default_action_is_back_after_an_abandoned_loop_was_collected()
    {
        Abandon();
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Posix.Disposition(Signum.SIGUSR1) == Posix.SIG_DFL;
        }));

        static void Abandon()
        {
            new Loop(LoopFlags.NoEnv).Signal(Signum.SIGUSR1, (_, _) => { }).Start();
            Assert.NotEqual(Posix.SIG_DFL, Posix.Disposition(Signum.SIGUSR1));
        }
    }

    [Theory]
    [InlineData(2)] // INT
    [InlineData(3)] // QUIT
    [InlineData(15)] // TERM
    [InlineData(17)] // CHLD
    [InlineData(18)] // CONT
    public void The_handlers_of_the_runtime_are_unchanged_after_a_watcher(int signum)
    {
        Loop loop = NewLoop();

        // The runtime installs some handlers at first use and does not remove them. This registration is that first use.
        PosixSignalRegistration.Create((PosixSignal)signum, _ => { }).Dispose();
        nint before = Posix.Disposition(signum);
        using Signal w = loop.Signal(signum, (_, _) => { });

        for (int i = 0; i < 3; i++)
        {
            w.Start();
            Assert.NotEqual(Posix.SIG_DFL, Posix.Disposition(signum));
            w.Stop();
            Assert.Equal(before, Posix.Disposition(signum));
        }
    }

    [Fact]
    public void The_runtime_s_handler_is_back_for_a_registration_that_remains()
    {
        Loop loop = NewLoop();
        using (PosixSignalRegistration.Create((PosixSignal)Signum.SIGUSR1, c => c.Cancel = true))
        {
            nint handler = Posix.Disposition(Signum.SIGUSR1);
            Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => { });
            w.Start();
            Assert.NotEqual(Posix.SIG_DFL, Posix.Disposition(Signum.SIGUSR1)); // our handler, which calls the runtime's
            w.Stop();
            Assert.Equal(handler, Posix.Disposition(Signum.SIGUSR1));
        }

        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(Signum.SIGUSR1));
    }

    [Fact]
    public void A_Start_that_throws_removes_no_handler()
    {
        Loop a = NewLoop(), b = NewLoop();
        Signal owner = a.Signal(Signum.SIGUSR1, (_, _) => { }), refused = b.Signal(Signum.SIGUSR1, (_, _) => { });
        owner.Start();
        nint handler = Posix.Disposition(Signum.SIGUSR1);
        Assert.Throws<EventException>(refused.Start);
        refused.Stop();
        refused.Dispose();
        Assert.Equal(handler, Posix.Disposition(Signum.SIGUSR1));
        owner.Stop();
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(Signum.SIGUSR1));
    }

    [Fact]
    public void SIGPIPE_stays_ignored()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Assert.Equal(Posix.SIG_IGN, Posix.Disposition(Signum.SIGPIPE));
        Posix.Raise(Signum.SIGPIPE);
        Signal w = loop.Signal(Signum.SIGPIPE, (_, _) => calls++);
        w.Start();
        Assert.Equal(Posix.SIG_IGN, Posix.Disposition(Signum.SIGPIPE));
        Posix.Raise(Signum.SIGPIPE);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);

        Ev.FeedSignal(Signum.SIGPIPE);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);

        w.Stop();
        Assert.Equal(Posix.SIG_IGN, Posix.Disposition(Signum.SIGPIPE));
        Posix.Raise(Signum.SIGPIPE);
    }

    [Theory]
    [InlineData(LoopFlags.Auto)]
    [InlineData(LoopFlags.SignalFd)]
    [InlineData(LoopFlags.NoSigMask)]
    [InlineData(LoopFlags.SignalFd | LoopFlags.NoSigMask)]
    public void No_flag_changes_a_signal_mask_or_ends_a_thread(LoopFlags flags)
    {
        Loop loop = NewLoop(flags: flags);
        ulong before = Posix.Blocked();
        int calls = 0;
        Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => calls++);
        w.Start();
        Assert.Equal(before, Posix.Blocked());

        // The threads do not block the signal, so the kernel may deliver it to any of them.
        var threads = new Thread[4];

        for (int i = 0; i < threads.Length; i++)
        {
            threads[i] = new Thread(() =>
            {
                for (int n = 0; n < 100; n++)
                {
                    Posix.Raise(Signum.SIGUSR1);
                }
            });
            threads[i].Start();
        }

        Array.ForEach(threads, t => t.Join());
        loop.Start(RunFlags.Once);
        Assert.NotEqual(0, calls);
        Assert.Equal(before, Posix.Blocked());

        Posix.PassSignals();
        w.Stop();
        Assert.Equal(before, Posix.Blocked());
        loop.Dispose();
        Assert.Equal(before, Posix.Blocked());
        Assert.Equal(Posix.SIG_DFL, Posix.Disposition(Signum.SIGUSR1));
    }

    [Theory]
    [InlineData(LoopFlags.Auto)]
    [InlineData(LoopFlags.SignalFd)]
    [InlineData(LoopFlags.NoSigMask)]
    public void A_signal_blocked_in_the_loop_s_thread_stays_blocked_and_arrives(LoopFlags flags)
    {
        Exception? failure = null;

        // A thread of its own, whose mask does not affect other tests.
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            Posix.Mask(block: true, Signum.SIGUSR2);
            ulong before = Posix.Blocked();
            using var loop = new Loop(flags | LoopFlags.NoEnv);
            int calls = 0;
            loop.Signal(Signum.SIGUSR2, (w, _) =>
            {
                calls++;
                w.Stop();
            }).Start();
            Assert.Equal(before, Posix.Blocked());
            Posix.Raise(Signum.SIGUSR2); // the kernel delivers it to another thread
            loop.Start();
            Assert.Equal(1, calls);
            Assert.Equal(before, Posix.Blocked());
        }));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)));
        Assert.Null(failure);
    }
}
