using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>No Stop is lost or weakened: from other threads, with nested Starts, and from callbacks outside Start.</summary>
public sealed class LoopStopTests : LoopTestBase
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

        // The Stop does not apply to the next Start.
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.False(loop.Start());
        Assert.Equal(1, far);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_One_from_another_thread_ends_the_outer_Start_and_not_a_Start_that_is_nested_later(Backends backend)
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
    public void The_strongest_of_several_Stops_wins(BreakHow first, BreakHow second)
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
    public void Cancel_withdraws_all_Stops_of_another_thread_but_not_a_later_one()
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

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_One_of_a_callback_does_not_weaken_the_Stop_All_of_another_thread(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int far = 0;
        KeepBusy(loop, () => far++);
        InOneBatchWithAStop(loop, BreakHow.All, () => loop.Stop(), isNested: true);
        Assert.True(loop.Start());
        Assert.Equal(0, far);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Stop_All_is_not_weakened_by_the_end_of_the_main_of_an_inner_Run(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var ended = new TaskCompletionSource();
        bool goesOn = false;
        Assert.Throws<InvalidOperationException>(() => loop.Run(async () =>
        {
            await Task.Yield();
            loop.Timer(0, 0, (_, _) => OnAnotherThread(() =>
            {
                loop.Stop(BreakHow.All);
                ended.SetResult();
            })).Start();
            loop.Run(() => ended.Task);
            await loop.Delay(1);
            goesOn = true;
        }));
        Assert.False(goesOn);
    }

    [Fact]
    public void A_Stop_before_Start_survives_an_Invoke_outside_Start()
    {
        Loop loop = NewLoop();
        int far = 0;
        KeepBusy(loop, () => far++);
        loop.Callback = _ => { };
        loop.Post(() => { });
        loop.Start(RunFlags.NoWait); // the watcher that wakes the loop stays pending
        loop.Callback = null;
        loop.Stop();
        loop.Invoke();
        Assert.True(loop.Start());
        Assert.Equal(0, far);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task StopAsync_cannot_be_withdrawn(bool fromAnotherThread)
    {
        var thread = new LoopThread();
        using var isAsked = new ManualResetEventSlim();
        thread.Loop.Post(isAsked.Wait);
        Task stopped = thread.StopAsync();

        if (fromAnotherThread)
        {
            thread.Loop.Post(() => OnAnotherThread(() => thread.Loop.Stop(BreakHow.Cancel)));
        }
        else
        {
            thread.Loop.Post(() => thread.Loop.Stop(BreakHow.Cancel));
        }

        isAsked.Set();
        await stopped.WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    [Theory]
    [InlineData(BreakHow.Cancel)]
    [InlineData(BreakHow.One)]
    public async Task StopAsync_ends_nested_Starts_that_end_themselves_in_the_same_iteration(BreakHow how)
    {
        var thread = new LoopThread();
        Loop loop = thread.Loop;
        using var isNested = new ManualResetEventSlim();
        using var isAsked = new ManualResetEventSlim();
        loop.Post(() =>
        {
            Async stop = loop.Async((_, _) => loop.Stop(how));
            stop.Start();
            loop.Timer(0, 0, (_, _) =>
            {
                isNested.Set();
                isAsked.Wait();
                stop.Send(); // its callback runs in the same iteration as StopAsync, and after it
            }).Start();
            loop.Start();
        });
        isNested.Wait();
        Task stopped = thread.StopAsync();
        isAsked.Set();
        await stopped.WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    /// <summary>A timer that the loop waits for if it is not stopped.</summary>
    private static void KeepBusy(Loop loop, Action called) => loop.Timer(1, 0, (_, _) => called()).Start();

    /// <summary>Makes another thread stop the loop, and runs an action in a callback of the batch in which the Stop arrives.</summary>
    private static void InOneBatchWithAStop(Loop loop, BreakHow how, Action action, bool isNested = false)
    {
        Async async = loop.Async((w, _) =>
        {
            w.Stop();
            action();
        });
        async.Fatal = true;
        async.Start();
        void Stop() => loop.Timer(0, 0, (_, _) => OnAnotherThread(() =>
        {
            loop.Stop(how);
            async.Send();
        })).Start();

        if (!isNested)
        {
            Stop();
            return;
        }

        loop.Timer(0, 0, (_, _) =>
        {
            Stop();
            loop.Start();
        }).Start();
    }
}
