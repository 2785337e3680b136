using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.Spawn: functions that run on the loop beside the main function.</summary>
public sealed class SpawnTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Patience);

    [Fact]
    public void A_spawned_function_runs_on_the_loop_s_thread_and_Run_waits_for_it()
    {
        Loop loop = NewLoop();
        var steps = new List<string>();
        int thread = Environment.CurrentManagedThreadId;
        loop.Run(async () =>
        {
            _ = loop.Spawn(async () =>
            {
                steps.Add($"begin {Environment.CurrentManagedThreadId == thread}");
                await loop.Delay(0.01);
                await Task.Delay(1);
                steps.Add($"end {Environment.CurrentManagedThreadId == thread}");
            });
            await Task.Yield();
            steps.Add("main");
        });
        Assert.Contains("main", steps);
        Assert.Equal("end True", steps[^1]);
        Assert.Contains("begin True", steps);
    }

    [Fact]
    public async Task The_exception_of_a_spawned_function_goes_to_CallbackException_and_to_the_task()
    {
        await using var thread = new LoopThread("spawn", LoopFlags.NoEnv);
        var told = new TaskCompletionSource<(string, int)>(TaskCreationOptions.RunContinuationsAsynchronously);
        thread.Loop.CallbackException += (_, e) => told.TrySetResult((e.Exception.Message, Environment.CurrentManagedThreadId));
        int loopThread = await thread.Loop.InvokeAsync(() => Environment.CurrentManagedThreadId);
        Task task = thread.Loop.Spawn(async () =>
        {
            await Task.Delay(1).ConfigureAwait(false); // continues on another thread
            throw new InvalidTimeZoneException("thrown");
        });
        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => task.WaitAsync(s_patience));
        Assert.Equal(("thrown", loopThread), await told.Task.WaitAsync(s_patience));
    }

    [Fact]
    public void An_exception_before_the_first_await_is_reported_before_Run_returns()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Run(() =>
        {
            loop.Spawn(() => throw new InvalidTimeZoneException("thrown"));
            loop.Spawn(() => null!);
            return Task.CompletedTask;
        });
        Assert.Equal(2, told.Count);
        Assert.Equal("thrown", told[0]);
    }

    [Fact]
    public void A_fatal_exception_of_a_spawned_function_leaves_Run()
    {
        Loop loop = NewLoop();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run(async () =>
        {
            _ = loop.Spawn([Fatal] async () =>
            {
                await loop.Delay(0.001);
                throw new InvalidTimeZoneException();
            });
            await loop.Delay(60);
        }));
    }

    [Fact]
    public void A_cancelled_spawned_function_is_not_reported()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, e) => Assert.Fail(e.Exception.ToString());
        using var source = new CancellationTokenSource();
        Task task = Task.CompletedTask;
        loop.Run(async () =>
        {
            task = loop.Spawn(async () => await loop.Delay(60, source.Token));
            await loop.Delay(0.001);
            source.Cancel();
        });
        Assert.True(task.IsCanceled);
    }

    [Fact]
    public void If_the_main_function_fails_Run_does_not_wait()
    {
        Loop loop = NewLoop();
        Assert.Throws<InvalidTimeZoneException>(() => loop.Run(async () =>
        {
            _ = loop.Spawn(async () => await loop.Delay(60));
            await Task.Yield();
            throw new InvalidTimeZoneException();
        }));
    }

    [Fact]
    public void A_spawned_function_may_call_Run()
    {
        Loop loop = NewLoop();
        int inner = 0;
        loop.Run(async () =>
        {
            _ = loop.Spawn(async () =>
            {
                await Task.Yield();
                loop.Run(async () => await loop.Delay(0.001));
                inner++;
            });
            await loop.Delay(0.01);
        });
        Assert.Equal(1, inner);
    }

    [Fact]
    public void On_a_disposed_loop_the_task_fails()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        loop.Dispose();
        Assert.IsType<ObjectDisposedException>(loop.Spawn(() => Task.CompletedTask).Exception!.InnerException);
        Assert.Throws<ArgumentNullException>(() => { loop.Spawn(null!); });
    }

    [Fact]
    public void A_delegate_of_several_methods_is_refused()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Func<Task> function = () => Task.FromResult(calls++);
        function += function;
        Func<CancellationToken, Task> main = _ => Task.FromResult(calls++);
        main += main;
        Assert.Throws<ArgumentException>(() => { _ = loop.Spawn(function); });
        Assert.Throws<ArgumentException>(() => { _ = loop.InvokeAsync(function); });
        Assert.Throws<ArgumentException>(() => loop.Run(function));
        Assert.Throws<ArgumentException>(() => loop.Run(main));
        loop.Start(RunFlags.NoWait);
        Assert.Equal(0, calls);
    }

    [Fact]
    public void Run_stays_on_its_thread_if_the_main_function_sets_another_context()
    {
        Loop loop = NewLoop();
        _ = loop.Spawn(() => Task.Delay(100));
        loop.Run(
            _ =>
            {
                SynchronizationContext.SetSynchronizationContext(null);
                return Task.Delay(10);
            },
            new RunOptions { StopSignals = [] });
        Assert.True(loop.Spawned.IsEmpty);
    }

    [Fact]
    public async Task Every_task_ends_if_Spawn_races_with_Dispose()
    {
        for (int i = 0; i < 200; i++)
        {
            var thread = new LoopThread("race", LoopFlags.NoEnv);
            Loop loop = thread.Loop;
            loop.CallbackException += (_, e) => Console.WriteLine(e.Exception);
            var tasks = new List<Task>();
            Task spawner = Task.Run(() =>
            {
                for (int j = 0; j < 50; j++)
                {
                    tasks.Add(loop.Spawn(async () =>
                    {
                        await Task.Yield();
                        await loop.Delay(60);
                    }));
                }
            });
            await Task.Run(thread.Dispose).WaitAsync(s_patience);
            await spawner;
            Task all = Task.WhenAll(tasks);
            await Assert.ThrowsAsync<ObjectDisposedException>(() => all.WaitAsync(s_patience));
        }
    }

    [Fact]
    public void Each_exception_of_a_task_with_several_is_reported()
    {
        Loop loop = NewLoop();
        var told = new List<string>();
        loop.CallbackException += (_, e) => told.Add(e.Exception.Message);
        loop.Run(() =>
        {
            _ = loop.Spawn(() => Task.WhenAll(FailAsync("one"), FailAsync("two")));
            return Task.CompletedTask;
        });
        Assert.Equal(["one", "two"], told);

        async Task FailAsync(string message)
        {
            await loop.Delay(0.001);
            throw new InvalidTimeZoneException(message);
        }
    }
}
