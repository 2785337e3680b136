using System;
using System.Collections.Generic;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Several loops on threads of their own.</summary>
public sealed class LoopGroupTests : LoopTestBase
{
    [Fact]
    public async Task Each_loop_has_a_thread_of_its_own_with_a_number()
    {
        await using var group = new LoopGroup(3, "worker", LoopFlags.NoEnv);
        Assert.Equal(3, group.Loops.Count);
        string[] names = await Task.WhenAll(group.Loops.Select(l => l.InvokeAsync(() => Thread.CurrentThread.Name!)));
        Assert.Equal(["worker 0", "worker 1", "worker 2"], names);
    }

    [Fact]
    public void Next_returns_the_loops_in_turn_on_any_thread()
    {
        using var group = new LoopGroup(3, null, LoopFlags.NoEnv);
        Assert.Equal(group.Loops.Concat(group.Loops), Enumerable.Range(0, 6).Select(_ => group.Next()));
        int[] counts = new int[3];
        Parallel.For(0, 30_000, _ => Interlocked.Increment(ref counts[IndexOf(group.Loops, group.Next())]));
        Assert.Equal([10_000, 10_000, 10_000], counts);
    }

    [Fact]
    public async Task Next_skips_a_loop_that_has_ended()
    {
        using var group = new LoopGroup(3, null, LoopFlags.NoEnv);
        await group.Loops[1].InvokeAsync(group.Loops[1].Dispose);
        Assert.True(Posix.Until(() => !group.Loops[1].TryPost(() => { })));
        Assert.True(Posix.Until(() => !Enumerable.Range(0, 6).Select(_ => group.Next()).Contains(group.Loops[1])));
        await group.StopAsync();
        Assert.Contains(group.Next(), group.Loops);
    }

    [Fact]
    public async Task StopAsync_ends_all_loops()
    {
        var group = new LoopGroup(4, null, LoopFlags.NoEnv);
        int calls = 0;

        for (int i = 0; i < 100; i++)
        {
            group.Next().Post(() => Interlocked.Increment(ref calls));
        }

        await group.StopAsync();
        Assert.Equal(100, calls);
        Assert.All(group.Loops, l => Assert.False(l.TryPost(() => { })));
        await group.StopAsync();
        Assert.Null(Record.Exception(group.Dispose));
    }

    [Fact]
    public async Task The_failure_of_one_loop_raises_Failed_and_the_other_loops_go_on()
    {
        await using var group = new LoopGroup(2, null, LoopFlags.NoEnv);
        var thrown = new InvalidTimeZoneException();
        var told = new TaskCompletionSource<LoopFailedEventArgs>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Handler(object? sender, LoopFailedEventArgs e) => told.SetResult(e);
        group.Failed += Handler;
        group.Loops[1].Post([Fatal] () => throw thrown);
        LoopFailedEventArgs args = await told.Task;
        Assert.Equal((group.Loops[1], thrown), (args.Loop, args.Exception));
        Assert.Equal(1, await group.Loops[0].InvokeAsync(() => 1));
        Assert.Same(thrown, await Record.ExceptionAsync(group.StopAsync));
        group.Failed -= Handler;
    }

    [Fact]
    public void A_constructor_that_throws_leaves_no_loop_behind()
    {
        Assert.Throws<ArgumentOutOfRangeException>("count", () => new LoopGroup(0));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => new LoopGroup(-1));
        Assert.Throws<EventException>(() => new LoopGroup(2, null, LoopFlags.NoEnv, Backends.Port));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task DisposeTimeout_limits_the_wait_for_a_callback_that_does_not_return(bool isAsync)
    {
        var group = new LoopGroup(2, new LoopOptions { Flags = LoopFlags.NoEnv, DisposeTimeout = TimeSpan.FromMilliseconds(30) });
        using var end = new ManualResetEventSlim();

        try
        {
            group.Loops[1].Post(() => end.Wait());
            Task disposed = isAsync ? group.DisposeAsync().AsTask() : Task.Run(group.Dispose);
            await disposed.WaitAsync(TimeSpan.FromSeconds(Patience));
        }
        finally
        {
            end.Set();
        }

        await group.StopAsync().WaitAsync(TimeSpan.FromSeconds(Patience));
    }

    private static int IndexOf(IReadOnlyList<Loop> loops, Loop loop) => loops.TakeWhile(l => l != loop).Count();

    [Fact]
    public async Task Handlers_of_Failed_that_dispose_the_group_at_the_same_time_do_not_wait_for_each_other()
    {
        var group = new LoopGroup(2, null, LoopFlags.NoEnv);
        using var both = new Barrier(2);
        group.Failed += (_, _) =>
        {
            both.SignalAndWait();
            group.Dispose();
        };

        foreach (Loop loop in group.Loops)
        {
            loop.Post([Fatal] () => throw new InvalidTimeZoneException());
        }

        await Assert.ThrowsAsync<InvalidTimeZoneException>(() => group.StopAsync().WaitAsync(TimeSpan.FromSeconds(Patience)));
    }
}
