using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Runtime.Versioning;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// The members of Signal, and the arguments that they refuse. See also SignalDeliveryTests and SignalDispositionTests.
/// </summary>
[UnsupportedOSPlatform("windows")]
public sealed class SignalTests : LoopTestBase
{
    public static TheoryData<int> Refused =>
    [
        Signum.SIGKILL, Signum.SIGSTOP, Signum.SIGSEGV, Signum.SIGBUS, Signum.SIGFPE, Signum.SIGILL, Signum.SIGTRAP, Signum.SIGABRT,
        32, 33, 34, 0, -1, 65, 200, int.MaxValue, int.MinValue,
    ];

    /// <summary>Signals that a process may send to itself, including the last real-time signals.</summary>
    public static TheoryData<int> Watchable =>
    [
        Signum.SIGHUP, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGUSR1, Signum.SIGUSR2, Signum.SIGALRM, Signum.SIGTERM, Signum.SIGCHLD,
        Signum.SIGCONT, Signum.SIGTSTP, Signum.SIGTTIN, Signum.SIGTTOU, Signum.SIGURG, Signum.SIGXCPU, Signum.SIGXFSZ,
        Signum.SIGVTALRM, Signum.SIGPROF, Signum.SIGWINCH, Signum.SIGIO, Signum.SIGSYS, Signum.SIGPWR, 35, 40, 63, 64,
    ];

    public static TheoryData<PosixSignal> Names =>
    [
        PosixSignal.SIGHUP, PosixSignal.SIGINT, PosixSignal.SIGQUIT, PosixSignal.SIGTERM, PosixSignal.SIGCHLD, PosixSignal.SIGCONT,
        PosixSignal.SIGWINCH, PosixSignal.SIGTTIN, PosixSignal.SIGTTOU, PosixSignal.SIGTSTP, (PosixSignal)Signum.SIGUSR1,
    ];

    [Fact]
    public void A_new_signal_watcher_has_its_parameters_and_is_not_started()
    {
        Loop loop = NewLoop();
        object data = new();

        foreach (Signal w in new[]
        {
            new Signal(loop, Signum.SIGUSR1, (_, _) => { }, data, 1),
            new Signal(loop, (PosixSignal)Signum.SIGUSR1, (_, _) => { }, data, 1),
            loop.Signal(Signum.SIGUSR1, (_, _) => { }, data, 1),
            loop.Signal((PosixSignal)Signum.SIGUSR1, (_, _) => { }, data, 1),
        })
        {
            Assert.Same(loop, w.Loop);
            Assert.Equal(Signum.SIGUSR1, w.Signum);
            Assert.Same(data, w.Data);
            Assert.Equal(1, w.Priority);
            Assert.False(w.IsActive);
            Assert.False(w.IsPending);
            Assert.True(w.KeepAlive);
            w.Dispose();
        }
    }

    [Theory]
    [MemberData(nameof(Watchable))]
    public void A_signal_that_is_sent_reaches_the_watcher_on_the_loop_s_thread(int signum)
    {
        Loop loop = NewLoop();
        (Events Events, int Signum, int Thread) seen = default;
        Signal w = loop.Signal(signum, (w, e) =>
        {
            seen = (e, w.Signum, Environment.CurrentManagedThreadId);
            w.Stop();
        });
        w.Start();
        Assert.True(w.IsActive);
        Posix.Raise(signum);
        Assert.False(loop.Start());
        Assert.Equal((Events.Signal, signum, Environment.CurrentManagedThreadId), seen);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_PosixSignal_can_be_watched_and_fed(PosixSignal signal)
    {
        Loop loop = NewLoop();
        int calls = 0;
        using Signal w = loop.Signal(signal, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        w.Start();
        Posix.Raise(w.Signum);
        Assert.False(loop.Start());

        w.Set(Signum.SIGUSR2);
        w.Set(signal);
        w.Start();
        loop.FeedSignalEvent(signal);
        Assert.True(w.IsPending);
        loop.Invoke();

        w.Start();
        Ev.FeedSignal(signal);
        Assert.False(loop.Start());
        Assert.Equal(3, calls);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_signal_that_cannot_be_watched_is_refused(int signum)
    {
        Loop loop = NewLoop();
        (int Loops, int Watchers) before = Live();
        Assert.Equal("signum", Assert.Throws<ArgumentOutOfRangeException>(() => new Signal(loop, signum, (_, _) => { })).ParamName);
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.Signal(signum, (_, _) => { }));
        Assert.Equal(before, Live());

        int calls = 0;
        using Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => calls++);
        Assert.Throws<ArgumentOutOfRangeException>(() => w.Set(signum));
        Assert.Equal(Signum.SIGUSR1, w.Signum);
        w.Start();
        loop.FeedSignalEvent(Signum.SIGUSR1);
        loop.Invoke();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_PosixSignal_that_does_not_exist_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.Signal((PosixSignal)(-99), (_, _) => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.Signal((PosixSignal)Signum.SIGKILL, (_, _) => { }));
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.FeedSignalEvent((PosixSignal)(-99)));
        using Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => { });
        Assert.Throws<ArgumentOutOfRangeException>(() => w.Set((PosixSignal)(-99)));
        Assert.Equal(Signum.SIGUSR1, w.Signum);
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>(() => new Signal(null!, Signum.SIGUSR1, (_, _) => { }));
        Assert.Throws<ArgumentNullException>(() => new Signal(loop, Signum.SIGUSR1, null!));
    }

    [Fact]
    public void Set_watches_another_signal()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Signal w = loop.Signal(Signum.SIGUSR1, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        w.Set(Signum.SIGUSR2);
        Assert.Equal(Signum.SIGUSR2, w.Signum);
        w.Start();
        Ev.FeedSignal(Signum.SIGUSR1);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(0, calls);
        Posix.Raise(Signum.SIGUSR2);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Set_is_refused_while_active_and_while_pending()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => calls++);
        w.Start();
        Assert.Throws<InvalidOperationException>(() => w.Set(Signum.SIGUSR2));
        Assert.Throws<InvalidOperationException>(() => w.Set(PosixSignal.SIGHUP));
        Assert.Equal(Signum.SIGUSR1, w.Signum);
        Assert.True(w.IsActive);
        loop.FeedSignalEvent(Signum.SIGUSR1);
        loop.Invoke();
        Assert.Equal(1, calls);

        w.Stop();
        w.Feed(Events.Signal);
        Assert.Throws<InvalidOperationException>(() => w.Set(Signum.SIGUSR2));
        Assert.Equal(Signum.SIGUSR1, w.Signum);
        w.Clear();
        w.Set(Signum.SIGUSR2);
        Assert.Equal(Signum.SIGUSR2, w.Signum);
    }

    [Fact]
    public void A_disposed_watcher_keeps_its_getters_only()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => calls++);
        w.Start();
        w.Feed(Events.Signal);
        w.Dispose();
        w.Dispose();
        w.Stop();
        Assert.Throws<ObjectDisposedException>(w.Start);
        Assert.Throws<ObjectDisposedException>(() => w.Set(Signum.SIGUSR2));
        Assert.Throws<ObjectDisposedException>(() => w.Feed(Events.Signal));
        Assert.Equal(Signum.SIGUSR1, w.Signum);
        Assert.False(w.IsActive);
        Ev.FeedSignal(Signum.SIGUSR1);
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
    }

    [Fact]
    public void FeedSignalEvent_makes_this_loop_s_watchers_pending_and_ignores_others()
    {
        Loop a = NewLoop(), b = NewLoop();
        List<Events> seen = [];
        Signal w = a.Signal(Signum.SIGUSR1, (_, e) => seen.Add(e)), inactive = a.Signal(Signum.SIGUSR2, (_, e) => seen.Add(e));
        w.Start();

        b.FeedSignalEvent(Signum.SIGUSR1);
        a.FeedSignalEvent(Signum.SIGUSR2);
        a.FeedSignalEvent(Signum.SIGKILL);
        Assert.Equal((0, 0), (a.Pending, b.Pending));

        a.FeedSignalEvent(Signum.SIGUSR1);
        Assert.True(w.IsPending);
        a.FeedSignalEvent((PosixSignal)Signum.SIGUSR1);
        Assert.Equal(1, a.Pending);
        a.Invoke();
        Assert.Equal([Events.Signal], seen);
        inactive.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(65)]
    [InlineData(int.MaxValue)]
    public void FeedSignalEvent_refuses_numbers_that_are_not_signals(int signum)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>(() => loop.FeedSignalEvent(signum));
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.FeedSignalEvent(Signum.SIGUSR1));
    }

    [Fact]
    public void A_signal_watcher_keeps_the_loop_alive_unless_KeepAlive_is_false()
    {
        Loop loop = NewLoop();
        Signal w = loop.Signal(Signum.SIGUSR1, (_, _) => { });
        w.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        w.KeepAlive = false;
        Assert.False(loop.Start());
    }
}
