using System;
using System.Collections.Generic;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Stops that must not be lost: from other threads, with nested Starts, and from callbacks outside Start.</summary>
public sealed class LoopStopTests : LoopTest
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_All_from_another_thread_survives_a_nested_Start_of_the_same_batch(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int far = 0;
        bool? more = null;
        KeepBusy(loop, () => far++);
        InOneBatchWithAStop(loop, BreakHow.All, () => more = loop.Start());
        Assert.True(loop.Start());
        Assert.True(more);
        Assert.Equal(0, far);

        // and it is used up
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.False(loop.Start());
        Assert.Equal(1, far);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_One_from_another_thread_ends_the_outer_Start_and_not_the_one_nested_later(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int far = 0, nested = 0;
        KeepBusy(loop, () => far++);
        InOneBatchWithAStop(loop, BreakHow.One, () =>
        {
            loop.Timer(0.01, 0, (_, _) => nested++).Start();

            // the kernel may wake the loop a moment before the timer is due
            do
            {
                Assert.True(loop.Start(RunFlags.Once));
            }
            while (nested == 0);
        });
        Assert.True(loop.Start());
        Assert.Equal((0, 1), (far, nested));
        Assert.False(loop.Start());
        Assert.Equal(1, far);
    }

    [Theory]
    [InlineData(BreakHow.All, BreakHow.One)]
    [InlineData(BreakHow.One, BreakHow.All)]
    public void Of_several_Stops_the_strongest_counts(BreakHow first, BreakHow second)
    {
        Loop loop = NewLoop();
        int far = 0;
        KeepBusy(loop, () => far++);
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Timer(0, 0, (_, _) => OnAnotherThread(() =>
            {
                loop.Stop(first);
                loop.Stop(second);
            })).Start();
            Assert.True(loop.Start());
        }).Start();
        Assert.True(loop.Start());
        Assert.Equal(0, far);
    }

    [Fact]
    public void Cancel_takes_back_all_Stops_of_another_thread_and_a_later_one_counts_again()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.Timer(0, 0, (_, _) => OnAnotherThread(() =>
        {
            loop.Stop(BreakHow.All);
            loop.Stop();
            loop.Stop(BreakHow.Cancel);
        })).Start();
        loop.Timer(0.02, 0, (_, _) => log.Add("goes on")).Start();
        Assert.False(loop.Start());
        Assert.Equal(["goes on"], log);

        loop.Timer(5, 0, (_, _) => log.Add("not yet")).Start();
        OnAnotherThread(() =>
        {
            loop.Stop();
            loop.Stop(BreakHow.Cancel);
            loop.Stop();
        });
        Assert.True(loop.Start());
        Assert.Equal(["goes on"], log);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Stop_in_a_callback_outside_Start_ends_the_next_Start(bool byWatcher)
    {
        Loop loop = NewLoop();
        int far = 0, calls = 0;
        KeepBusy(loop, () => far++);
        Idle idle = loop.Idle((_, _) =>
        {
            calls++;
            loop.Stop();
        });

        if (byWatcher)
        {
            idle.Invoke(Events.Custom);
        }
        else
        {
            idle.Feed(Events.Custom);
            loop.Invoke();
        }

        Assert.Equal(1, calls);
        Assert.True(loop.Start());
        Assert.Equal(0, far);
        Assert.False(loop.Start());
        Assert.Equal((1, 1), (far, calls));
    }

    /// <summary>A timer for the loop to wait for when it is not stopped.</summary>
    private static void KeepBusy(Loop loop, Action called) => loop.Timer(1, 0, (_, _) => called()).Start();

    /// <summary>A Stop of another thread arrives, and right behind it, in the same batch, something else happens.</summary>
    private static void InOneBatchWithAStop(Loop loop, BreakHow how, Action action)
    {
        Async async = loop.Async((w, _) =>
        {
            w.Stop();
            action();
        });
        async.Fatal = true;
        async.Start();
        loop.Timer(0, 0, (_, _) => OnAnotherThread(() =>
        {
            loop.Stop(how);
            async.Send();
        })).Start();
    }

    private static void OnAnotherThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        thread.Join();
    }
}
