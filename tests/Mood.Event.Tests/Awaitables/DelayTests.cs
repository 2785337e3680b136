using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Delay.</summary>
public sealed class DelayTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(Contexts))]
    public void A_delay_takes_its_time_and_continues_on_the_loop_s_thread(bool withContext)
    {
        Loop loop = NewLoop();
        int thread = Environment.CurrentManagedThreadId;
        Drive(loop, async () =>
        {
            long began = Stopwatch.GetTimestamp();
            await loop.Delay(0.05);
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.049, Patience);
            Assert.Equal(thread, Environment.CurrentManagedThreadId);
            Assert.Equal(1u, loop.Depth);
            await loop.Delay(TimeSpan.FromMilliseconds(10));
            Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.059, Patience);
            Assert.Equal(withContext, SynchronizationContext.Current == loop.SynchronizationContext);
        }, withContext);
        AssertIdle(loop);
    }

    [Fact]
    public void A_delay_of_zero_ends_in_the_next_iteration()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            await loop.Delay(0);

            for (int i = 0; i < 3; i++)
            {
                uint iteration = loop.Iteration;
                ValueTask delay = loop.Delay(0);
                Assert.False(delay.IsCompleted);
                await delay;
                Assert.Equal(iteration + 1, loop.Iteration);
            }
        });
    }

    [Fact]
    public void A_suspended_loop_does_not_count_the_time_of_a_delay()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(Patience / 2, 0, (_, _) => { });
        timer.Start();
        loop.Suspend();
        Thread.Sleep(200);
        ValueTask delay = loop.Delay(0.01);
        double before = timer.Remaining;
        loop.Resume();
        Assert.InRange(timer.Remaining, before - 0.1, before + 0.1);
        Assert.InRange(timer.Remaining, (Patience / 2) - 0.1, (Patience / 2) + 0.1);
        Drive(loop, async () => await delay);
    }

    [Fact]
    public void A_delay_that_begins_outside_Start_counts_from_the_real_time()
    {
        Loop loop = NewLoop();
        Thread.Sleep(100);
        long began = Stopwatch.GetTimestamp();
        ValueTask delay = loop.Delay(0.05);
        Assert.False(loop.Start());
        Assert.InRange(Stopwatch.GetElapsedTime(began).TotalSeconds, 0.049, Patience);
        Assert.True(delay.IsCompletedSuccessfully);
    }

    [Fact]
    public void Delays_end_in_the_order_of_their_times()
    {
        Loop loop = NewLoop();
        List<int> order = [];
        Drive(loop, async () =>
        {
            List<Task> tasks = [];

            foreach (int ms in new[] { 30, 10, 50, 20, 40, 1 })
            {
                tasks.Add(Sleep(ms));
            }

            await Task.WhenAll(tasks);

            async Task Sleep(int ms)
            {
                await loop.Delay(TimeSpan.FromMilliseconds(ms));
                order.Add(ms);
            }
        });
        Assert.Equal([1, 10, 20, 30, 40, 50], order);
    }

    [Fact]
    public void A_delay_keeps_Start_from_returning()
    {
        Loop loop = NewLoop();
        ValueTask delay = loop.Delay(0.01);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.False(loop.Start());
        Assert.True(delay.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_bad_time_is_refused_before_anything_happens()
    {
        Loop loop = NewLoop();

        foreach (double seconds in new[] { -1, double.NaN, double.PositiveInfinity, double.NegativeInfinity, -1e-9 })
        {
            Assert.Throws<ArgumentOutOfRangeException>("seconds", () => { _ = loop.Delay(seconds); });
        }

        Assert.Throws<ArgumentOutOfRangeException>("delay", () => { _ = loop.Delay(TimeSpan.FromMilliseconds(-2)); });
        AssertIdle(loop);
    }

    [Fact]
    public void An_infinite_delay_waits_until_it_is_cancelled()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            ValueTask delay = loop.Delay(Timeout.InfiniteTimeSpan, source.Token);
            await loop.Delay(0.02);
            Assert.False(delay.IsCompleted);
            source.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => delay.AsTask());
        });
        AssertIdle(loop);
    }

    [Fact]
    public void No_delay_begins_with_a_cancelled_token()
    {
        Loop loop = NewLoop();
        using var source = new CancellationTokenSource();
        source.Cancel();
        ValueTask delay = loop.Delay(100, source.Token);
        Assert.True(delay.IsCanceled);
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(Contexts))]
    public void A_delay_cancelled_on_the_loop_s_thread_does_not_end_inside_Cancel(bool withContext)
    {
        Loop loop = NewLoop();
        bool cancelling = false;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            loop.Timer(0.01, 0, (_, _) =>
            {
                cancelling = true;
                source.Cancel();
                cancelling = false;
            }).Start();
            OperationCanceledException e = await Assert.ThrowsAsync<OperationCanceledException>(() => loop.Delay(100, source.Token).AsTask());
            Assert.Equal(source.Token, e.CancellationToken);
            Assert.False(cancelling);
            Assert.Equal(1u, loop.Depth);
        }, withContext);
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(Contexts))]
    public void A_delay_cancelled_on_another_thread_ends_on_the_loop_s_thread(bool withContext)
    {
        Loop loop = NewLoop();
        int thread = Environment.CurrentManagedThreadId;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource(TimeSpan.FromMilliseconds(10)); // its timer cancels on a thread of the pool
            ValueTask delay = loop.Delay(100, source.Token);

            try
            {
                await delay;
                Assert.Fail("The delay was not cancelled.");
            }
            catch (OperationCanceledException)
            {
                Assert.Equal(thread, Environment.CurrentManagedThreadId);
            }
        }, withContext);
        AssertIdle(loop);
    }

    [Fact]
    public void A_delay_cancelled_outside_Start_ends_in_the_next_Start()
    {
        Loop loop = NewLoop();
        using var source = new CancellationTokenSource();
        ValueTask delay = loop.Delay(100, source.Token);
        source.Cancel();
        Assert.False(loop.Start());
        Assert.True(delay.IsCanceled);
    }

    [Theory]
    [MemberData(nameof(Contexts))]
    public void Expiry_and_cancellation_race_and_each_delay_ends_once(bool withContext)
    {
        const int Rounds = 10_000;
        Loop loop = NewLoop();
        using var helper = new Helper();
        int expired = 0, cancelled = 0;
        Drive(loop, async () =>
        {
            var random = new Random(1);

            for (int i = 0; i < Rounds; i++)
            {
                var source = new CancellationTokenSource(); // not disposed, because the other thread may cancel it later
                int spins = random.Next(400);
                helper.Do(() =>
                {
                    Thread.SpinWait(spins);
                    source.Cancel();
                });

                try
                {
                    await loop.Delay(i % 2 == 0 ? 0 : 1e-5, source.Token);
                    expired++;
                }
                catch (OperationCanceledException)
                {
                    cancelled++;
                }

                // A late cancellation must not end the next delay.
                if (i % 16 == 0)
                {
                    await loop.Delay(1e-5, CancellationToken.None);
                }
            }
        }, withContext);
        Assert.Equal(Rounds, expired + cancelled);
        Assert.NotEqual(0, expired);
        Assert.NotEqual(0, cancelled);
        AssertIdle(loop);
    }

    [Fact]
    public void A_late_cancellation_does_not_end_the_next_delay()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            for (int i = 0; i < 100; i++)
            {
                using var source = new CancellationTokenSource();
                ValueTask delay = loop.Delay(0, source.Token);

                // The callback of a timer in the same iteration cancels the token, so the cancellation is already posted when the delay ends.
                loop.Timer(0, 0, (_, _) => source.Cancel(), priority: 1).Start();
                await delay;
                await loop.Delay(0, new CancellationTokenSource().Token);
            }
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(Contexts))]
    public void Nothing_is_allocated_in_steady_state(bool withContext)
    {
        Loop loop = NewLoop();
        long allocated = -1, withToken = -1;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            allocated = await AllocatedByAsync(() => loop.Delay(0));
            withToken = await AllocatedByAsync(() => loop.Delay(0, source.Token));
        }, withContext);
        Assert.Equal((0, 0), (allocated, withToken));
    }

    [Fact]
    public void A_hundred_thousand_delays_in_a_row_do_not_deepen_the_stack()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            for (int i = 0; i < 100_000; i++)
            {
                await loop.Delay(0);
            }
        });
    }

    [Theory]
    [MemberData(nameof(Contexts))]
    public void Dispose_of_the_loop_ends_delays_with_an_ObjectDisposedException(bool withContext)
    {
        Loop loop = NewLoop();
        List<string> log = [];
        Task? waiting = null, again = null;
        Drive(loop, async () =>
        {
            waiting = Wait();
            again = Wait();
            await loop.Delay(0.01);
        }, withContext);
        Assert.Empty(log);
        loop.Dispose();
        Assert.Equal(["disposed", "refused", "disposed", "refused"], log);
        Assert.True(waiting!.IsCompletedSuccessfully && again!.IsCompletedSuccessfully);

        async Task Wait()
        {
            try
            {
                await loop.Delay(100);
            }
            catch (ObjectDisposedException)
            {
                log.Add("disposed");
            }

            try
            {
                await loop.Delay(100);
            }
            catch (ObjectDisposedException)
            {
                log.Add("refused");
            }
        }
    }

    [Fact]
    public void A_delay_of_a_loop_that_is_disposed_in_a_callback_ends_when_Start_returns()
    {
        Loop loop = NewLoop();
        ValueTask delay = loop.Delay(100);
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Dispose();
            Assert.False(delay.IsCompleted);
        }).Start();
        Assert.False(loop.Start());
        Assert.True(delay.IsFaulted);
        Assert.Throws<ObjectDisposedException>(() => delay.GetAwaiter().GetResult());
    }

    [Fact]
    public void A_delay_that_expires_in_the_iteration_of_the_loop_s_Dispose_ends_once()
    {
        Loop loop = NewLoop();
        ValueTask[] delays = [loop.Delay(0), loop.Delay(0), loop.Delay(0)];
        loop.Timer(0, 0, (_, _) => loop.Dispose(), priority: 1).Start();
        Assert.False(loop.Start());
        Assert.All(delays, d => Assert.True(d.IsFaulted));
    }

    [Fact]
    public void A_disposed_loop_refuses_a_delay()
    {
        Loop loop = NewLoop();
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => { _ = loop.Delay(1); });
    }

    [Fact]
    public void Another_thread_is_refused_while_the_loop_runs()
    {
        Loop loop = NewLoop();
        Exception? thrown = null;
        Drive(loop, async () =>
        {
            var thread = new Thread(() => thrown = Record.Exception(() => { _ = loop.Delay(1); }));
            thread.Start();
            thread.Join();
            await loop.Delay(0);
        });
        Assert.IsType<InvalidOperationException>(thrown);
        AssertIdle(loop);
    }

    [Fact]
    public void The_continuation_of_another_context_is_posted_to_it()
    {
        Loop loop = NewLoop();
        var context = new OtherContext();
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(context);
        Task task = Wait();
        SynchronizationContext.SetSynchronizationContext(before);
        Assert.False(loop.Start());
        Assert.Equal(1, context.Count);
        Assert.False(task.IsCompleted);

        // On this thread, which does not use the loop, GetResult returns the wait to the pool.
        var thread = new Thread(context.RunAll);
        thread.Start();
        thread.Join();
        Assert.True(task.IsCompletedSuccessfully);

        async Task Wait() => await loop.Delay(0.001);
    }

    [Fact]
    public void The_result_of_a_delay_can_be_fetched_once_and_only_after_its_end()
    {
        Loop loop = NewLoop();
        ValueTask delay = loop.Delay(0);
        Assert.Throws<InvalidOperationException>(() => delay.GetAwaiter().GetResult());
        Assert.False(loop.Start());
        delay.GetAwaiter().GetResult();
        Assert.Throws<InvalidOperationException>(() => delay.GetAwaiter().GetResult());
        ValueTask next = loop.Delay(0); // another delay, with the same pooled object
        Assert.Throws<InvalidOperationException>(() => delay.GetAwaiter().GetResult());
        Assert.False(loop.Start());
        next.GetAwaiter().GetResult();
    }

    [Fact]
    public void An_exception_of_a_bare_continuation_goes_to_CallbackException()
    {
        Loop loop = NewLoop();
        Exception? seen = null;
        loop.CallbackException += (_, e) => seen = e.Exception;
        SynchronizationContext? before = SynchronizationContext.Current;
        SynchronizationContext.SetSynchronizationContext(null);
        var thrown = new InvalidOperationException("x");
        loop.Delay(0).GetAwaiter().OnCompleted(() => throw thrown);
        SynchronizationContext.SetSynchronizationContext(before);
        Assert.False(loop.Start());
        Assert.Same(thrown, seen);
    }

    [Fact]
    public void A_delay_that_is_not_awaited_is_collected()
    {
        Loop loop = NewLoop();
        DelayTen(loop);
        Assert.False(loop.Start());
        Collect();
        Assert.Equal((1, 1), Live()); // the loop and its watchdog
    }

    // A method of its own, so that no local of the test keeps the last delay alive.
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void DelayTen(Loop loop)
    {
        for (int i = 0; i < 10; i++)
        {
            _ = loop.Delay(0);
        }
    }
}
