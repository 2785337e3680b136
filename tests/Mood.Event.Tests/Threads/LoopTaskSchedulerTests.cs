using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The loop as a TaskScheduler.</summary>
public sealed class LoopTaskSchedulerTests : LoopTestBase
{
    [Fact]
    public void Tasks_and_their_continuations_run_on_the_loop_s_thread_in_order()
    {
        Loop loop = NewLoop();
        var log = new List<(int Number, int Thread)>();
        Assert.Equal(1, loop.TaskScheduler.MaximumConcurrencyLevel);
        Assert.Same(loop.TaskScheduler, loop.TaskScheduler);
        Task[] tasks = [.. Enumerable.Range(0, 5).Select(i => Start(loop, () => log.Add((i, Environment.CurrentManagedThreadId))))];
        Task asynchronous = Start(loop, async () =>
        {
            Assert.Same(loop.TaskScheduler, TaskScheduler.Current);
            await Task.Run(() => { });
            log.Add((5, Environment.CurrentManagedThreadId));
        }).Unwrap();
        Assert.Empty(log);
        loop.Run(() => Task.WhenAll([.. tasks, asynchronous]));
        Assert.Equal(Enumerable.Range(0, 6).Select(i => (i, Environment.CurrentManagedThreadId)), log);
    }

    [Fact]
    public void Waiting_for_a_task_on_the_loop_s_own_thread_runs_it()
    {
        Loop loop = NewLoop();
        int calls = 0;
        loop.Post(() =>
        {
            Task task = Start(loop, () => calls++);
            task.Wait();
            Assert.Equal(1, calls);
        });
        loop.CallbackException += (_, e) => calls = -1;
        loop.Start();
        loop.Start();
        Assert.Equal(1, calls);

        // The wait also runs the task while the loop is idle.
        Action wait = Start(loop, () => calls++).Wait;
        wait();
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Waiting_for_a_task_on_another_thread_waits_for_the_loop()
    {
        Loop loop = NewLoop();
        int thread = 0;
        loop.IncRef();
        var other = new Thread(() =>
        {
            Start(loop, () => { thread = Environment.CurrentManagedThreadId; }).Wait();
            loop.Stop();
        });
        other.Start();
        loop.Start();
        other.Join();
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
    }

#pragma warning disable CA2025 // this test disposes a loop before its tasks have ended
    [Fact]
    public async Task On_a_disposed_loop_tasks_fail_and_CallbackException_is_raised()
    {
        Loop loop = NewLoop();
        int told = 0;
        loop.CallbackException += (_, _) => told++;
        Task accepted = Start(loop, () => { });
        loop.Dispose();
        Assert.True(accepted.IsCompletedSuccessfully);
        Exception? e = Record.Exception((Action)(() => Start(loop, () => { })));
        Assert.IsType<ObjectDisposedException>(Assert.IsType<TaskSchedulerException>(e).InnerException);
        await Assert.ThrowsAsync<TaskSchedulerException>(() => Task.CompletedTask.ContinueWith(_ => { }, loop.TaskScheduler));
        Assert.Equal(2, told);
    }
#pragma warning restore CA2025

    private static Task Start(Loop loop, Action action) =>
        Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.None, loop.TaskScheduler);

    private static Task<T> Start<T>(Loop loop, Func<T> function) =>
        Task.Factory.StartNew(function, CancellationToken.None, TaskCreationOptions.None, loop.TaskScheduler);
}
