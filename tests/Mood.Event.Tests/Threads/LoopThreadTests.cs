using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A loop on a thread of its own: how it starts, ends and fails.</summary>
public sealed class LoopThreadTests : LoopTestBase
{
    private static readonly AsyncLocal<string?> s_local = new();

    [Fact]
    public async Task The_loop_runs_on_a_named_background_thread_with_its_context_set()
    {
        await using var thread = new LoopThread("a loop", LoopFlags.NoEnv);
        (string? name, bool isBackground, bool isPool, SynchronizationContext? context) = await thread.Loop.InvokeAsync(() =>
            (Thread.CurrentThread.Name, Thread.CurrentThread.IsBackground, Thread.CurrentThread.IsThreadPoolThread, SynchronizationContext.Current));
        Assert.Equal(("a loop", true, false), (name, isBackground, isPool));
        Assert.Same(thread.Loop.SynchronizationContext, context);

        await using var nameless = new LoopThread();
        Assert.Equal("Mood.Event", await nameless.Loop.InvokeAsync(() => Thread.CurrentThread.Name));
    }

    [Fact]
    public async Task A_handler_of_Failed_that_is_added_after_the_failure_is_called_at_once()
    {
        using var thread = new LoopThread(new LoopOptions { Callback = _ => throw new FormatException("early") });
        await Assert.ThrowsAsync<FormatException>(() =>
        {
            thread.Loop.TryPost(() => { });
            return thread.StopAsync();
        });
        var failures = new List<Exception>();
        thread.Failed += (_, e) => failures.Add(e.Exception);
        Assert.IsType<FormatException>(Assert.Single(failures));
    }

    [Fact]
    public async Task The_continuation_of_an_await_in_a_watcher_s_callback_runs_on_the_loop_s_thread()
    {
        await using var thread = new LoopThread(null, LoopFlags.NoEnv);
        var threads = new TaskCompletionSource<(int, int)>(TaskCreationOptions.RunContinuationsAsynchronously);
        await thread.Loop.InvokeAsync(() => thread.Loop.Timer(0.001, 0, async (_, _) =>
        {
            int before = Environment.CurrentManagedThreadId;
            await Task.Delay(1);
            threads.SetResult((before, Environment.CurrentManagedThreadId));
        }).Start());
        (int first, int second) = await threads.Task;
        Assert.Equal(first, second);
    }

    [Fact]
    public async Task The_loop_does_not_see_the_execution_context_of_the_constructor_s_caller()
    {
        s_local.Value = "the maker's";
        await using var thread = new LoopThread(null, LoopFlags.NoEnv);
        var seen = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        thread.Loop.Post(() => seen.SetResult(s_local.Value));
        Assert.Null(await seen.Task);
        Assert.Equal("the maker's", s_local.Value);
    }

    [Theory, InlineData(false), InlineData(true)]
    public async Task StopAsync_calls_the_actions_that_were_posted_before_and_ends_the_thread(bool atOnce)
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        Thread? inner = atOnce ? null : await thread.Loop.InvokeAsync(() => Thread.CurrentThread);
        var log = new List<int>();

        for (int i = 0; i < 1000; i++)
        {
            thread.Loop.Post(log.Add, i);
        }

        thread.Loop.Post(() => thread.Loop.Timer(0, 0, (_, _) => { }).Start()); // watchers can still be started
        Task stopped = thread.StopAsync();
        Assert.Same(stopped, thread.StopAsync());
        await stopped;
        Assert.Equal(Enumerable.Range(0, 1000), log);
        Assert.NotEqual(true, inner?.IsAlive);
        Assert.False(thread.Loop.TryPost(() => { }));
        await thread.DisposeAsync();
        Assert.Null(Record.Exception(thread.Dispose));
    }

    [Fact]
    public void Dispose_waits_for_the_loop_s_thread_unless_that_thread_calls_it()
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        Thread? inner = null;
        bool disposed = false;
        thread.Loop.Post(() =>
        {
            inner = Thread.CurrentThread;
            thread.Dispose();
            disposed = true;
        });
        thread.Dispose();
        Assert.True(disposed);
        Assert.False(inner!.IsAlive);
    }

    // The loop's thread waits for the Invoke.
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void Dispose_on_a_thread_that_calls_Invoke_inside_Callback_does_not_wait(bool ofLoop, bool inNestedCallback)
    {
        Exception? failure = null;
        bool isHere = true, isDisposed = false, isNested = false;
        LoopThread thread = null!;
        thread = new LoopThread(new LoopOptions
        {
            Flags = LoopFlags.NoEnv,
            Callback = l =>
            {
                if (isNested)
                {
                    Dispose();
                }
                else
                {
                    failure ??= OnAnotherThread(l.Invoke);
                }
            },
        });
        thread.Loop.Post(() =>
        {
            isHere = thread.IsCurrent;

            if (inNestedCallback)
            {
                isNested = true;
                thread.Loop.Start(RunFlags.NoWait);
                isNested = false;
            }
            else
            {
                Dispose();
            }
        });
        Assert.True(thread.StopAsync().Wait(TimeSpan.FromSeconds(Patience)));
        Assert.Null(failure);
        Assert.Equal((false, true), (isHere, isDisposed));

        void Dispose()
        {
            (ofLoop ? (IDisposable)thread.Loop : thread).Dispose();
            isDisposed = true;
        }
    }

    [Theory, InlineData("stop"), InlineData("dispose"), InlineData("stop elsewhere")]
    public async Task The_thread_ends_when_its_loop_ends(string how)
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        Thread inner = await thread.Loop.InvokeAsync(() => Thread.CurrentThread);

        if (how == "stop elsewhere")
        {
            thread.Loop.Stop();
        }
        else
        {
            thread.Loop.Post(() => EndIt(thread.Loop, how == "stop"));
        }

        Assert.True(inner.Join(TimeSpan.FromSeconds(Patience)));
        Assert.False(thread.Loop.TryPost(() => { }));
        await thread.StopAsync();
    }

    [Fact]
    public async Task StopAsync_ends_the_thread_while_a_callback_is_in_a_nested_Start()
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        var inside = new TaskCompletionSource();
        thread.Loop.Post(() =>
        {
            thread.Loop.Post(inside.SetResult);
            thread.Loop.Start();
        });
        await inside.Task;
        await thread.StopAsync();
        Assert.False(thread.Loop.TryPost(() => { }));
    }

    [Fact]
    public async Task A_failure_raises_Failed_and_StopAsync_throws_it()
    {
        var thrown = new InvalidTimeZoneException();
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        var told = new TaskCompletionSource<(object?, LoopFailedEventArgs, int)>();
        thread.Failed += (sender, e) => told.SetResult((sender, e, Environment.CurrentManagedThreadId));
        int inner = await thread.Loop.InvokeAsync(() => Environment.CurrentManagedThreadId);
        thread.Loop.Post([Fatal] () => throw thrown);
        (object? sender, LoopFailedEventArgs args, int where) = await told.Task;
        Assert.Equal((thread, thread.Loop, thrown, inner), (sender, args.Loop, args.Exception, where));
        Assert.Same(thrown, await Record.ExceptionAsync(thread.StopAsync));
        Assert.False(thread.Loop.TryPost(() => { }));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => thread.Loop.InvokeAsync(() => { }));
        Assert.Null(Record.Exception(thread.Dispose)); // Dispose does not throw the exception
        await thread.DisposeAsync();
    }

    [Fact]
    public async Task A_failure_without_a_handler_is_written_to_standard_error()
    {
        System.IO.TextWriter before = Console.Error;
        using var written = new System.IO.StringWriter();
        Console.SetError(System.IO.TextWriter.Synchronized(written));

        try
        {
            var thread = new LoopThread(null, LoopFlags.NoEnv);
            thread.Loop.Post([Fatal] () => throw new InvalidTimeZoneException("without a handler"));
            await Assert.ThrowsAsync<InvalidTimeZoneException>(thread.StopAsync);
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Contains("without a handler", written.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_of_Failed_that_throws_ends_nothing_else()
    {
        var thrown = new InvalidTimeZoneException();
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        bool isOtherCalled = false;
        thread.Failed += (_, _) => throw new TimeoutException();
        thread.Failed += (_, _) => isOtherCalled = true;
        thread.Loop.Post([Fatal] () => throw thrown);
        Assert.Same(thrown, await Record.ExceptionAsync(thread.StopAsync));
        Assert.True(isOtherCalled);
    }

    [Fact]
    public void The_constructor_throws_when_the_loop_cannot_be_made()
    {
        Assert.Throws<ArgumentException>("flags", () => new LoopThread(null, (LoopFlags)1));
        Assert.Throws<EventException>(() => new LoopThread(null, LoopFlags.NoEnv, Backends.Port));
    }

    [Fact]
    public async Task A_use_of_the_loop_on_the_thread_that_made_it_does_not_prevent_the_loop_s_thread_from_running_it()
    {
        for (int i = 0; i < 300; i++)
        {
            var thread = new LoopThread(null, LoopFlags.NoEnv);
            bool sent = false;

            for (int n = 0; n < 100; n++)
            {
                // The timer is started by a post to the loop's thread. Delay is refused, even if the loop's thread has not begun
                // yet.
                using ITimer timer = thread.Loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.Zero, TimeSpan.Zero);
                Assert.Throws<InvalidOperationException>(() => thread.Loop.Delay(1));
            }

            thread.Loop.SynchronizationContext.Send(maker => sent = Environment.CurrentManagedThreadId != (int)maker!, Environment.CurrentManagedThreadId);
            Assert.True(sent);
            await thread.StopAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
        }
    }

    [Fact]
    public async Task Many_LoopThreads_start_and_stop_while_other_threads_post()
    {
        int ran = 0, accepted = 0;

        for (int i = 0; i < 200; i++)
        {
            var thread = new LoopThread(null, LoopFlags.NoEnv);
            Task[] posters = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
            {
                for (int k = 0; k < 50; k++)
                {
                    if (thread.Loop.TryPost(() => ran++))
                    {
                        Interlocked.Increment(ref accepted);
                    }
                }
            }))];
            await thread.StopAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
            await Task.WhenAll(posters);
            Assert.Equal(accepted, ran);
        }
    }

    private static void EndIt(Loop loop, bool byStop)
    {
        if (byStop)
        {
            loop.Stop();
        }
        else
        {
            loop.Dispose();
        }
    }

    [Fact]
    public async Task A_second_failure_raises_CallbackException()
    {
        var told = new List<string>();
        var options = new LoopOptions { Flags = LoopFlags.NoEnv, CallbackException = (_, e) => told.Add(e.Exception.Message) };
        var thread = new LoopThread(options);
        thread.Failed += (_, e) => told.Add("Failed: " + e.Exception.Message);
        thread.Loop.Post(() =>
        {
            thread.Loop.Post([Fatal] () => throw new InvalidTimeZoneException("first"));
            thread.Loop.Post([Fatal] () => throw new InvalidTimeZoneException("second")); // runs in the Dispose of the loop
        });
        InvalidTimeZoneException failure = await Assert.ThrowsAsync<InvalidTimeZoneException>(thread.StopAsync);
        Assert.Equal("first", failure.Message);
        Assert.Equal(["second", "Failed: first"], told);
    }

    [Fact]
    public async Task An_exception_without_a_text_does_not_end_the_process_in_a_handler_of_Failed()
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        thread.Failed += (_, e) => throw e.Exception;
        thread.Loop.Post([Fatal] () => throw new UnprintableException());
        await Assert.ThrowsAsync<UnprintableException>(thread.StopAsync);
    }

    [Fact]
    public async Task An_exception_without_a_text_does_not_end_the_process_without_a_handler_of_Failed()
    {
        var thread = new LoopThread(null, LoopFlags.NoEnv);
        thread.Loop.Post([Fatal] () => throw new UnprintableException());
        await Assert.ThrowsAsync<UnprintableException>(thread.StopAsync);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task LoopThreads_that_dispose_each_other_in_a_ring_all_end(int count)
    {
        LoopThread[] threads = [.. Enumerable.Range(0, count).Select(_ => new LoopThread(null, LoopFlags.NoEnv))];
        using var all = new Barrier(count);

        for (int i = 0; i < count; i++)
        {
            LoopThread next = threads[(i + 1) % count];
            threads[i].Loop.Post(() =>
            {
                all.SignalAndWait();
                next.Dispose();
            });
        }

        await Task.WhenAll(threads.Select(thread => thread.StopAsync())).WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    [Fact]
    public async Task Dispose_on_the_thread_of_another_LoopThread_waits_for_the_end()
    {
        await using var outer = new LoopThread(null, LoopFlags.NoEnv);
        var inner = new LoopThread(null, LoopFlags.NoEnv);
        bool hasEnded = false;
        inner.Loop.Post(() =>
        {
            Thread.Sleep(100);
            hasEnded = true;
        });
        Assert.True(await outer.Loop.InvokeAsync(() =>
        {
            inner.Dispose();
            return hasEnded;
        }));
    }

    [Fact]
    public async Task DisposeTimeout_limits_the_wait_on_the_thread_of_another_LoopThread()
    {
        await using var outer = new LoopThread(null, LoopFlags.NoEnv);
        var inner = new LoopThread(new LoopOptions { Flags = LoopFlags.NoEnv, DisposeTimeout = TimeSpan.FromMilliseconds(30) });
        using var end = new ManualResetEventSlim();
        inner.Loop.Post(() => end.Wait());
        await outer.Loop.InvokeAsync(inner.Dispose).WaitAsync(TimeSpan.FromSeconds(Patience));
        end.Set();
        await inner.StopAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    /// <summary>The thread of the LoopThread waits in Callback for the Invoke of another thread.</summary>
    [Fact]
    public void Dispose_in_an_Invoke_for_another_loop_that_the_thread_runs_does_not_wait()
    {
        var thread = new LoopThread();
        Loop? other = null;
        using var hasDisposed = new ManualResetEventSlim();
        thread.Loop.Post(() =>
        {
            other = new Loop(LoopFlags.NoEnv);
            other.Idle((_, _) =>
            {
                thread.Dispose();
                hasDisposed.Set();
            }).Feed(Events.Custom);
            other.Callback = l =>
            {
                l.Callback = null;
                OnAnotherThread(l.Invoke);
            };
            other.Start(RunFlags.NoWait);
            other.Dispose();
        });
        Assert.True(hasDisposed.Wait(TimeSpan.FromSeconds(Patience)), "Dispose waits for its own thread");
        thread.Dispose();
    }
}
