using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Calls on the loop's thread that tell how they went.</summary>
public sealed class InvokeAsyncTests : LoopTest
{
    [Fact]
    public async Task The_four_forms_run_on_the_loop_s_thread_and_bring_their_results()
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
    public async Task The_end_of_a_ValueTask_is_waited_for()
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
    public async Task The_caller_s_AsyncLocal_values_come_along_but_not_with_Post()
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
    public async Task Exceptions_go_to_the_task_and_nowhere_else()
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
        var e = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
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
    public void On_the_loop_s_own_thread_it_is_posted_and_not_called_at_once()
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
    public async Task The_context_is_set_for_the_function_alone()
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
