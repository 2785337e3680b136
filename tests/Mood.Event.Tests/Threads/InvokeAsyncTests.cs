using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// InvokeAsync calls a function on the loop's thread. The task that it returns has the result or the exception of the function.
/// </summary>
public sealed class InvokeAsyncTests : LoopTestBase
{
    [Fact]
    public async Task All_four_overloads_call_the_function_on_the_loop_s_thread_and_return_its_result()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        int thread = 0;
        await loop.InvokeAsync(() => { thread = Environment.CurrentManagedThreadId; });
        Assert.Equal(running.Thread, thread);
        Assert.Equal(running.Thread, await loop.InvokeAsync(() => Environment.CurrentManagedThreadId));
        var threads = new List<int>();
        await loop.InvokeAsync(async () =>
        {
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Yield();
            threads.Add(Environment.CurrentManagedThreadId);
            await Task.Delay(1);
            threads.Add(Environment.CurrentManagedThreadId);
        });
        Assert.Equal([running.Thread, running.Thread, running.Thread], threads);
        Assert.Equal(running.Thread, await loop.InvokeAsync(async () =>
        {
            await Task.Run(() => Thread.Sleep(1));
            return Environment.CurrentManagedThreadId;
        }));
    }

    [Fact]
    public async Task InvokeAsync_waits_for_the_end_of_a_ValueTask()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        int thread = 0;
        await loop.InvokeAsync(async ValueTask () =>
        {
            await loop.Delay(0.02);
            thread = Environment.CurrentManagedThreadId;
        });
        Assert.Equal(running.Thread, thread);
        await loop.InvokeAsync(() => loop.Delay(0.001));
        var thrown = new InvalidTimeZoneException();
        Assert.Same(thrown, await Record.ExceptionAsync(() => loop.InvokeAsync(async ValueTask () =>
        {
            await loop.Delay(0.001);
            throw thrown;
        })));
    }

    [Fact]
    public async Task Calls_that_run_in_the_same_loop_without_a_context_of_the_caller_do_not_see_each_other_s_values()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        var local = new AsyncLocal<int>();
        Task<int>[] calls;

        using (ExecutionContext.SuppressFlow())
        {
            calls = [.. Enumerable.Range(0, 5).Select(_ => loop.InvokeAsync(() => local.Value++))];
        }

        Assert.All(await Task.WhenAll(calls), value => Assert.Equal(0, value));
    }

    [Fact]
    public async Task AsyncLocal_values_of_the_caller_flow_with_InvokeAsync_but_not_with_Post()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        var local = new AsyncLocal<int> { Value = 5 };
        Assert.Equal(5, await loop.InvokeAsync(() => local.Value));
        Assert.Equal((5, 6), await loop.InvokeAsync(async () =>
        {
            int before = local.Value++;
            await Task.Yield();
            return (before, local.Value);
        }));
        Assert.Equal(5, local.Value);

        var posted = new TaskCompletionSource<int>(TaskCreationOptions.RunContinuationsAsynchronously);
        loop.Post(() => posted.SetResult(local.Value));
        Assert.Equal(0, await posted.Task);

        using (ExecutionContext.SuppressFlow())
        {
            Assert.Equal(0, loop.InvokeAsync(() => local.Value).Result);
        }
    }

    [Fact]
    public async Task An_exception_of_the_function_fails_the_task_and_does_not_raise_CallbackException()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        using var running = new Running(loop);
        var thrown = new InvalidTimeZoneException();
        Task[] calls =
        [
            loop.InvokeAsync(() => throw thrown),
            loop.InvokeAsync(int () => throw thrown),
            loop.InvokeAsync(Task () => throw thrown),
            loop.InvokeAsync(Task<int> () => throw thrown),
            loop.InvokeAsync(async () =>
            {
                await Task.Yield();
                throw thrown;
            }),
        ];

        foreach (Task call in calls)
        {
            Assert.Same(thrown, await Record.ExceptionAsync(() => call));
            Assert.True(call.IsFaulted);
        }

        Task several = loop.InvokeAsync(() => Task.WhenAll(Task.FromException(thrown), Task.FromException(new TimeoutException())));
        await Record.ExceptionAsync(() => several);
        Assert.Equal(2, several.Exception!.InnerExceptions.Count);
        Assert.Equal(0, told);
    }

    [Fact]
    public async Task A_cancelled_function_cancels_the_task_with_its_token()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        using var source = new CancellationTokenSource();
        await source.CancelAsync();
        Task<int> call = loop.InvokeAsync(async () =>
        {
            await Task.Delay(-1, source.Token);
            return 1;
        });
        OperationCanceledException e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        Assert.True(call.IsCanceled);
        Assert.Equal(source.Token, e.CancellationToken);
    }

    [Fact]
    public async Task A_function_that_returns_no_task_fails()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.InvokeAsync(() => (Task)null!));
        await Assert.ThrowsAsync<InvalidOperationException>(() => loop.InvokeAsync(() => (Task<int>)null!));
    }

    [Fact]
    public void Null_is_refused_at_once()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("action", () => { _ = loop.InvokeAsync((Action)null!); });
        Assert.Throws<ArgumentNullException>("function", () => { _ = loop.InvokeAsync((Func<int>)null!); });
        Assert.Throws<ArgumentNullException>("function", () => { _ = loop.InvokeAsync((Func<Task>)null!); });
        Assert.Throws<ArgumentNullException>("function", () => { _ = loop.InvokeAsync((Func<Task<int>>)null!); });
    }

    [Fact]
    public void On_the_loop_s_own_thread_InvokeAsync_posts_the_function_and_does_not_call_it_at_once()
    {
        Loop loop = NewLoop();
        var log = new List<string>();
        loop.IncRef();
        loop.Post(() =>
        {
            loop.InvokeAsync(() => log.Add("called"));
            loop.InvokeAsync(() =>
            {
                loop.DecRef();
                return Task.CompletedTask;
            });
            log.Add("posted");
        });
        Assert.False(loop.Start());
        Assert.Equal(["posted", "called"], log);
    }

    [Fact]
    public async Task Continuations_of_the_caller_do_not_run_on_the_loop_s_thread()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        int[] threads = await Task.Run(async () =>
        {
            await loop.InvokeAsync(() => { });
            int first = Environment.CurrentManagedThreadId;
            await loop.InvokeAsync(async () => await Task.Yield());
            return new[] { first, Environment.CurrentManagedThreadId };
        });
        Assert.DoesNotContain(running.Thread, threads);
    }

    [Fact]
    public async Task The_loop_s_context_is_set_during_the_function_only()
    {
        Loop loop = NewLoop();
        using var running = new Running(loop);
        Task<SynchronizationContext?> inside = loop.InvokeAsync(() => Task.FromResult(SynchronizationContext.Current));
        Task<SynchronizationContext?> later = loop.InvokeAsync(async () =>
        {
            await Task.Delay(1);
            return SynchronizationContext.Current;
        });
        SynchronizationContext?[] both = await Task.WhenAll(inside, later);
        Assert.Equal([loop.SynchronizationContext, loop.SynchronizationContext], both);
        Assert.Null(await loop.InvokeAsync(() => SynchronizationContext.Current));
    }

    /// <summary>A loop that runs on a thread of its own until it is disposed.</summary>
    private sealed class Running : IDisposable
    {
        private readonly Loop _loop;
        private readonly Thread _thread;

        internal Running(Loop loop)
        {
            _loop = loop;
            loop.IncRef();
            _thread = new Thread(() => loop.Start()) { IsBackground = true };
            _thread.Start();
            Thread = _thread.ManagedThreadId;
        }

        internal int Thread { get; }

        public void Dispose()
        {
            _loop.Stop();
            _thread.Join();
            _loop.DecRef();
        }
    }
}
