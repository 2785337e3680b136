using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>AdvanceAsync of a ManualClock, whose loop may run on another thread.</summary>
public sealed class ManualClockThreadTests : LoopTestBase
{
    private readonly ManualClock _clock = new();

    [Fact]
    public async Task AdvanceAsync_completes_when_every_due_timer_was_called()
    {
        await using var thread = new LoopThread("manual", LoopFlags.NoEnv, clock: _clock);
        Loop loop = thread.Loop;
        var log = new List<double>();
        double start = _clock.Now;
        await loop.InvokeAsync(() => loop.Timer(1, 2, (_, _) => log.Add(loop.Now() - start)).Start());

        for (int i = 0; i < 5000; i++)
        {
            await _clock.AdvanceAsync(loop, 2).WaitAsync(TimeSpan.FromSeconds(Patience));
            Assert.Equal(i + 1, log.Count);
            Assert.Equal(2 * i + 1, log[i]);
        }

        await _clock.AdvanceAsync(loop, TimeSpan.FromSeconds(20));
        Assert.Equal(5010, log.Count);
        Assert.Equal(start + 10_020, _clock.Now);
    }

    [Fact]
    public async Task AdvanceAsync_runs_a_timer_although_the_loop_has_read_the_clock_before_it()
    {
        await using var thread = new LoopThread("manual", LoopFlags.NoEnv, clock: _clock);
        Loop loop = thread.Loop;
        using SemaphoreSlim inside = new(0), go = new(0);
        int fired = 0, armed = 0;
        await loop.InvokeAsync(() =>
        {
            loop.Timer(5, 5, (_, _) => fired++).Start();
            loop.Callback = l =>
            {
                // When the loop calls this callback, it has already read the clock.
                if (Interlocked.Exchange(ref armed, 0) == 1)
                {
                    inside.Release();
                    go.Wait();
                }

                l.Invoke();
            };
        });
        int firedBefore = await Hold(() =>
        {
            _clock.Advance(5);
            return loop.InvokeAsync(() => fired);
        });
        Assert.Equal(0, firedBefore); // after Advance alone, a posted action runs before the timer
        await loop.InvokeAsync(() => { });
        int firedAfter = await Hold(async () =>
        {
            int before = Volatile.Read(ref fired);
            await _clock.AdvanceAsync(loop, 5);
            return Volatile.Read(ref fired) - before;
        });
        Assert.InRange(firedAfter, 1, 2);
        Assert.Equal(2, fired);

        async Task<int> Hold(Func<Task<int>> others)
        {
            Volatile.Write(ref armed, 1);
            loop.Post(() => { });
            await inside.WaitAsync();
            Task<int> result = others();
            go.Release();
            return await result;
        }
    }

    [Fact]
    public async Task AdvanceAsync_runs_an_idle_loop_on_the_thread_that_ran_it_last()
    {
        Loop loop = NewLoop(_clock);
        int thread = 0;
        loop.Timer(3, 0, (_, _) => thread = Environment.CurrentManagedThreadId).Start();
        Task advanced = _clock.AdvanceAsync(loop, 5);
        Assert.True(advanced.IsCompletedSuccessfully);
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        loop.Timer(1, 0, [Fatal] (_, _) => throw new InvalidTimeZoneException()).Start();
        Assert.IsType<InvalidTimeZoneException>(_clock.AdvanceAsync(loop, 5).Exception!.InnerException);
        await advanced;
    }

    [Fact]
    public async Task AdvanceAsync_works_in_a_callback_and_throws_on_a_disposed_loop()
    {
        var thread = new LoopThread("manual", LoopFlags.NoEnv, clock: _clock);
        Loop loop = thread.Loop;
        int fired = 0;
        await loop.InvokeAsync(async () =>
        {
            loop.Timer(3, 0, (_, _) => fired++).Start();
            await _clock.AdvanceAsync(loop, 5);
            Assert.Equal(1, fired);
        });
        await thread.StopAsync();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => _clock.AdvanceAsync(loop, 1));
    }

    [Fact]
    public void Bad_arguments_are_refused_at_once()
    {
        Loop loop = NewLoop(_clock);
        Assert.Throws<ArgumentNullException>("loop", () => { _ = _clock.AdvanceAsync(null!, 1); });
        Assert.Throws<ArgumentException>("loop", () => { _ = _clock.AdvanceAsync(NewLoop(), 1); });
        Assert.Throws<ArgumentOutOfRangeException>("seconds", () => { _ = _clock.AdvanceAsync(loop, -1); });
        Assert.Throws<ArgumentOutOfRangeException>("seconds", () => { _ = _clock.AdvanceAsync(loop, double.NaN); });
        Assert.Throws<ArgumentOutOfRangeException>("seconds", () => { _ = _clock.AdvanceAsync(loop, TimeSpan.FromSeconds(-1)); });
    }
}
