using System;
using System.Collections.Generic;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.WaitForSignalAsync.</summary>
public sealed class WaitForSignalTests : AwaitTestBase
{
    private static readonly int[] s_both = [Signum.SIGUSR1, Signum.SIGUSR2];

    [Theory]
    [InlineData(true, 0)]
    [InlineData(true, 1)]
    [InlineData(false, 0)]
    [InlineData(false, 1)]
    public void Any_of_several_signals_ends_the_wait_with_its_number(bool withContext, int index)
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            ValueTask<int> wait = loop.WaitForSignalAsync(s_both);
            Posix.Raise(s_both[index]);
            Assert.Equal(s_both[index], await wait);
        }, withContext);
        AssertIdle(loop);
    }

    [Fact]
    public void Signals_that_come_together_end_the_wait_once()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            ValueTask<int> wait = loop.WaitForSignalAsync(s_both);
            Posix.Raise(Signum.SIGUSR1);
            Posix.Raise(Signum.SIGUSR2);
            Assert.Contains(await wait, s_both);
            wait = loop.WaitForSignalAsync(s_both);
            await loop.Delay(0.02);
            Assert.False(wait.IsCompleted);
            Ev.FeedSignal(Signum.SIGUSR1);
            Assert.Equal(Signum.SIGUSR1, await wait);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void Two_waits_and_a_watcher_see_the_same_signal()
    {
        Loop loop = NewLoop();
        int called = 0;
        using Signal signal = loop.Signal(Signum.SIGUSR2, (_, _) => called++);
        signal.KeepAlive = false;
        signal.Start();
        Drive(loop, async () =>
        {
            Task<int> one = loop.WaitForSignalAsync(s_both).AsTask(), two = loop.WaitForSignalAsync([Signum.SIGUSR2, Signum.SIGUSR2]).AsTask();
            Posix.Raise(Signum.SIGUSR2);
            Assert.Equal([Signum.SIGUSR2, Signum.SIGUSR2], await Task.WhenAll(one, two));
        });
        Assert.Equal(1, called);
        signal.Stop();
        AssertIdle(loop);
    }

    [Fact]
    public void A_PosixSignal_names_a_signal_too()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            ValueTask<int> wait = loop.WaitForSignalAsync([PosixSignal.SIGHUP, (PosixSignal)Signum.SIGUSR1]);
            Posix.Raise(Signum.SIGHUP);
            Assert.Equal(Signum.SIGHUP, await wait);
        });
        AssertIdle(loop);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_cancellation_ends_the_wait_and_frees_the_signals(bool before)
    {
        Loop loop = NewLoop(), other = NewLoop();
        using var source = new CancellationTokenSource();

        if (before)
        {
            source.Cancel();
        }

        loop.Timer(0.005, 0, (_, _) => source.Cancel()).Start();
        Drive(loop, async () =>
        {
            OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop.WaitForSignalAsync(s_both, source.Token).AsTask());
            Assert.Equal(source.Token, e.CancellationToken);
        });
        loop.Start();
        using Signal signal = other.Signal(Signum.SIGUSR2, (_, _) => { });
        signal.Start();
        AssertIdle(loop);
    }

    [Fact]
    public void Dispose_of_the_loop_ends_the_wait_with_an_ObjectDisposedException()
    {
        Loop loop = NewLoop();
        ValueTask<int> wait = loop.WaitForSignalAsync(s_both);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => wait.GetAwaiter().GetResult());
        Assert.Throws<ObjectDisposedException>(() => { _ = loop.WaitForSignalAsync(s_both); });
    }

    [Fact]
    public void If_another_loop_watches_one_of_the_signals_the_wait_is_refused_and_watches_none()
    {
        Loop loop = NewLoop(), other = NewLoop();
        using Signal signal = other.Signal(Signum.SIGUSR2, (_, _) => { }), free = other.Signal(Signum.SIGUSR1, (_, _) => { });
        signal.Start();
        Assert.Throws<EventException>(() => { _ = loop.WaitForSignalAsync(s_both); });
        free.Start();
        AssertIdle(loop);
    }

    [Fact]
    public void While_the_loop_runs_another_thread_is_refused()
    {
        Loop loop = NewLoop();
        Exception? thrown = null;
        Drive(loop, async () => await Task.Run(() => thrown = Record.Exception(() => { _ = loop.WaitForSignalAsync(s_both); })));
        Assert.IsType<InvalidOperationException>(thrown);
    }

    [Fact]
    public void Wrong_lists_of_signals_are_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("signums", () => { _ = loop.WaitForSignalAsync((IReadOnlyList<int>)null!); });
        Assert.Throws<ArgumentNullException>("signals", () => { _ = loop.WaitForSignalAsync((IReadOnlyList<PosixSignal>)null!); });
        Assert.Throws<ArgumentException>("signums", () => { _ = loop.WaitForSignalAsync(Array.Empty<int>()); });
        Assert.Throws<ArgumentException>("signals", () => { _ = loop.WaitForSignalAsync(Array.Empty<PosixSignal>()); });
        Assert.Throws<ArgumentOutOfRangeException>("signums", () => { _ = loop.WaitForSignalAsync([Signum.SIGUSR1, Signum.SIGKILL]); });
        Assert.Throws<ArgumentOutOfRangeException>("signums", () => { _ = loop.WaitForSignalAsync([0]); });
        Assert.Throws<ArgumentOutOfRangeException>("signals", () => { _ = loop.WaitForSignalAsync([(PosixSignal)1000]); });
        AssertIdle(loop);
    }
}
