using System;
using System.Collections.Generic;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Posts and calls during the Dispose of the loop: each one runs or is refused, and no caller waits for ever.</summary>
public sealed class PostDisposeTests : LoopTestBase
{
    private const int Rounds = 5000;

    [Theory, InlineData(false), InlineData(true)]
    public void At_any_moment_of_Dispose_every_posted_item_is_called_or_refused(bool inCallback)
    {
        const int Producers = 3;
        var counts = new Counts();
        int late = 0;
        using var begin = new Barrier(Producers + 1);
        using var end = new Barrier(Producers + 1);
        Loop loop = null!;
        bool over = false;
        Thread[] threads = [.. Enumerable.Range(0, Producers).Select(n => OnThread(() =>
        {
            while (true)
            {
                begin.SignalAndWait();

                if (Volatile.Read(ref over))
                {
                    return;
                }

                for (int i = 0; i < 20; i++)
                {
                    bool taken = n == 0
                        ? loop.TryPost(() => counts.Ran++)
                        : loop.TryPost(static item => item.counts.Ran += item.n / item.n, (counts, n));
                    Interlocked.Increment(ref taken ? ref counts.Accepted : ref counts.Refused);
                }

                end.SignalAndWait();
            }
        }))];

        try
        {
            for (int i = 0; i < Rounds; i++)
            {
                loop = new Loop(LoopFlags.NoEnv);
                begin.SignalAndWait();
                Thread.SpinWait(i % 50 * 20);

                if (inCallback)
                {
                    loop.Post(loop.Dispose);
                    loop.Start();
                }
                else
                {
                    loop.Start(RunFlags.NoWait);
                    loop.Dispose();
                }

                int ran = Volatile.Read(ref counts.Ran);
                end.SignalAndWait();
                Assert.Equal(counts.Accepted, counts.Ran);
                late += counts.Ran - ran;
            }
        }
        finally
        {
            Volatile.Write(ref over, true);
            begin.RemoveParticipant();
            end.RemoveParticipant();
            Array.ForEach(threads, t => t.Join());
        }

        Assert.Equal(Rounds * Producers * 20, counts.Accepted + counts.Refused);
        Assert.Equal(0, late); // nothing ran after Dispose had returned

        // Some posts were accepted, and some were refused.
        Assert.InRange(counts.Accepted, 1, int.MaxValue);
        Assert.InRange(counts.Refused, 1, int.MaxValue);
    }

    [Fact]
    public void The_default_loop_is_disposed_and_remade_while_other_threads_post()
    {
        var counts = new Counts();
        bool over = false;
        Loop current = Loop.GetDefault(LoopFlags.NoEnv);
        Thread[] threads = [.. Enumerable.Range(0, 3).Select(_ => OnThread(() =>
        {
            while (!Volatile.Read(ref over))
            {
                bool taken = Volatile.Read(ref current).TryPost(() => counts.Ran++);
                Interlocked.Increment(ref taken ? ref counts.Accepted : ref counts.Refused);
            }
        }))];

        double deadline = Ev.Time() + Patience;

        // On a busy machine, the other threads may not have seen a disposed loop yet.
        for (int i = 0; i < 500 || ((counts.Ran == 0 || Volatile.Read(ref counts.Refused) == 0) && Ev.Time() < deadline); i++)
        {
            Volatile.Write(ref current, Loop.GetDefault(LoopFlags.NoEnv));
            current.Start(RunFlags.NoWait);
            current.Dispose();
        }

        Volatile.Write(ref over, true);
        Array.ForEach(threads, t => t.Join());
        Assert.Equal(counts.Accepted, counts.Ran);
        Assert.InRange(counts.Ran, 1, int.MaxValue);
        Assert.InRange(counts.Refused, 1, int.MaxValue);
    }

    [Theory, InlineData(false), InlineData(true)]
    public void Dispose_calls_the_accepted_items_on_its_own_thread(bool started)
    {
        Loop loop = NewLoop();
        var threads = new List<int>();
        Timer timer = loop.Timer(5, 0, (_, _) => { });
        timer.Start();

        if (started)
        {
            loop.Start(RunFlags.NoWait);
        }

        OnThread(() => loop.Post(() =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            timer.Stop(); // existing watchers can still be stopped
            timer.Dispose();
            loop.Stop();
            loop.Dispose();
            Assert.Throws<ObjectDisposedException>(() => loop.Start());
            Assert.Throws<ObjectDisposedException>(() => loop.Timer(0, 0, (_, _) => { }));
            Assert.Throws<ObjectDisposedException>(() => loop.Post(() => threads.Add(-1)));
            threads.Add(Environment.CurrentManagedThreadId);
        })).Join();
        loop.Dispose();
        Assert.Equal([Environment.CurrentManagedThreadId, Environment.CurrentManagedThreadId], threads);
        Assert.False(loop.TryPost(() => { }));
        Assert.False(loop.TryPost(_ => { }, 1));
        Assert.Throws<ObjectDisposedException>(() => loop.Post(() => { }));
        Assert.Throws<ObjectDisposedException>(() => loop.Post(_ => { }, 1));
    }

    [Fact]
    public void After_Dispose_in_an_item_the_later_items_run_before_Start_returns()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        Idle idle = loop.Idle((_, _) => log.Add("watcher"));
        loop.Post(() =>
        {
            idle.Feed(Events.Custom);
            loop.Dispose();
            Assert.False(loop.TryPost(() => log.Add("refused")));
            log.Add("1");
        });
        loop.Post(() => log.Add("2"));
        loop.Post(n => log.Add($"{n}"), 3);
        Assert.False(loop.Start());
        Assert.Equal(["1", "2", "3"], log);
    }

    [Fact]
    public void Exceptions_of_items_during_Dispose_raise_CallbackException_and_a_fatal_one_leaves_Dispose()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        var thrown = new InvalidTimeZoneException("fatal");
        int calls = 0;
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Post(() => throw new InvalidTimeZoneException("first"));
        loop.Post([Fatal] () => throw thrown);
        loop.Post([Fatal] () => throw new InvalidTimeZoneException("another fatal one"));
        loop.Post(() => throw new InvalidTimeZoneException("last"));
        loop.Post(() => calls++);
        Assert.Same(thrown, Record.Exception(loop.Dispose));
        Assert.Equal(["first", "another fatal one", "last"], told);
        Assert.Equal(1, calls);
        loop.Dispose();
    }

    [Fact]
    public async Task InvokeAsync_of_a_disposed_loop_fails()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        loop.Dispose();
        Task[] calls = [loop.InvokeAsync(() => { }), loop.InvokeAsync(() => 1), loop.InvokeAsync(() => Task.CompletedTask), loop.InvokeAsync(() => Task.FromResult(1))];

        foreach (Task call in calls)
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        }
    }

    [Fact]
    public async Task Dispose_completes_the_accepted_calls_and_fails_those_that_await()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        var never = new TaskCompletionSource();
        var told = new List<Exception>();
        bool finished = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        Task<int> plain = loop.InvokeAsync(() => 7);
        Task<int> quick = loop.InvokeAsync(() => Task.FromResult(8));
        Task awaiting = loop.InvokeAsync(async () =>
        {
            await never.Task;
            finished = true;
        });
        Assert.False(plain.IsCompleted);
        loop.Dispose();
        Assert.Equal((7, 8), (await plain, await quick));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => awaiting);

        // The continuation of the await has no thread to run on, so CallbackException is raised.
        never.SetResult();
        Assert.IsType<ObjectDisposedException>(Assert.Single(told));
        Assert.False(finished);
    }

    [Fact]
    public async Task A_call_that_fails_on_another_thread_after_the_loop_s_end_raises_CallbackException()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        var gate = new TaskCompletionSource();
        var told = new TaskCompletionSource<Exception>(TaskCreationOptions.RunContinuationsAsynchronously);
        var thrown = new InvalidTimeZoneException();
        loop.CallbackException += (_, e) => told.SetResult(e.Exception);
        Task call = loop.InvokeAsync(async () =>
        {
            await gate.Task.ConfigureAwait(false);
            throw thrown;
        });
        loop.Start();
        loop.Dispose();
        await Assert.ThrowsAsync<ObjectDisposedException>(() => call);
        gate.SetResult();
        Assert.Same(thrown, await told.Task);
    }

    private static Thread OnThread(Action action)
    {
        var thread = new Thread(() => action());
        thread.Start();
        return thread;
    }

    /// <summary>The await of a pooled ValueTask, such as SslStream.ReadAsync, posts its continuation even in the loop's own context.</summary>
    [Fact]
    public void Dispose_ends_awaits_of_pooled_ValueTasks_too()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        bool hasEnded = false;
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.InvokeAsync(async () =>
        {
            try
            {
                await PooledDelayAsync(loop);
            }
            finally
            {
                await Task.Yield(); // posts once more
                hasEnded = true;
            }
        });
        loop.Start(RunFlags.NoWait);
        loop.Dispose();
        Assert.True(hasEnded);
        Assert.Empty(told);
    }

    [Fact]
    public void Dispose_ends_although_a_continuation_posts_without_end()
    {
        Loop loop = NewLoop();
        var told = new List<Exception>();
        loop.CallbackException += (_, e) => told.Add(e.Exception);
        loop.InvokeAsync(async () =>
        {
            try
            {
                await loop.Delay(100);
            }
            finally
            {
                while (true)
                {
                    await Task.Yield();
                }
            }
        });
        loop.Start(RunFlags.NoWait);
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(Assert.Single(told));
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder))]
    private static async ValueTask PooledDelayAsync(Loop loop) => await loop.Delay(100);

    private sealed class Counts
    {
        public int Ran, Accepted, Refused;
    }
}
