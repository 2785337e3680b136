using System;
using System.Diagnostics;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.WaitForExitAsync.</summary>
public sealed class WaitForExitAsyncTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(Contexts))]
    public void The_result_says_how_a_child_ended_and_the_child_is_reaped_then_or_soon_after(bool withContext)
    {
        Loop loop = NewDefaultLoop();
        Drive(loop, async () =>
        {
            int pid = Posix.Spawn("sleep 0.05; exit 7");
            Child child = await loop.WaitForExitAsync(pid);
            Assert.Equal((pid, pid, 7, 0), (child.Pid, child.RPid, child.ExitCode, child.TermSignal));
            Assert.True(child.HasExited);
            Assert.Null(child.Data);

            // If the pool is busy, the end is reported before the child is reaped: docs/design/children.md.
            Assert.True(Posix.Until(() => !Posix.Exists(pid)));
        }, withContext);
        AssertIdle(loop);
    }

    [Fact]
    public void The_wait_ends_when_a_signal_ends_the_child_and_not_when_a_signal_stops_it()
    {
        Loop loop = NewDefaultLoop();
        Drive(loop, async () =>
        {
            int pid = Posix.Spawn("exec sleep 100");
            ValueTask<Child> exit = loop.WaitForExitAsync(pid);
            Posix.Kill(pid, Signum.SIGSTOP);
            await loop.Delay(0.05);
            Assert.False(exit.IsCompleted);
            Posix.Kill(pid, Signum.SIGKILL);
            Assert.Equal(Signum.SIGKILL, (await exit).TermSignal);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_child_that_ended_before_the_call_is_reported()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exit 3");
        Thread.Sleep(100);
        Drive(loop, async () => Assert.Equal(3, (await loop.WaitForExitAsync(pid)).ExitCode));
        AssertIdle(loop);
    }

    [Fact]
    public void A_Process_keeps_its_exit_code()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Process.Start("sh", ["-c", "sleep 0.05; exit 5"]);
        Drive(loop, async () => Assert.Equal(5, (await loop.WaitForExitAsync(process)).ExitCode));
        Assert.True(process.WaitForExit((int)(Patience * 1000)));
        Assert.Equal(5, process.ExitCode);
        AssertIdle(loop);
    }

    [Fact]
    public void Several_children_are_waited_for_at_the_same_time()
    {
        Loop loop = NewDefaultLoop();
        Drive(loop, async () =>
        {
            Task<Child>[] exits = new Task<Child>[10];

            for (int i = 0; i < exits.Length; i++)
            {
                exits[i] = loop.WaitForExitAsync(Posix.Spawn($"sleep 0.0{9 - i}; exit {i}")).AsTask();
            }

            Child[] children = await Task.WhenAll(exits);

            for (int i = 0; i < exits.Length; i++)
            {
                Assert.Equal(i, children[i].ExitCode);
            }
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_cancelled_wait_leaves_the_child_alone()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exec sleep 100");
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            Task cancelled = loop.WaitForExitAsync(pid, source.Token).AsTask();
            source.CancelAfter(5); // not before the call: that gives a TaskCanceledException
            await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
            Assert.True(loop.WaitForExitAsync(pid, source.Token).IsCanceled);
        });
        AssertIdle(loop);
        Assert.Equal(0, Posix.Wait(pid, out _, Posix.WNOHANG));
        Posix.Kill(pid, Signum.SIGKILL);
        Assert.Equal(pid, Posix.Wait(pid, out _));
    }

    [Fact]
    public void A_continuation_at_the_loop_s_Dispose_can_use_the_next_default_loop()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exec sleep 100");
        Loop? next = null;
        Task waiting = Task.CompletedTask;
        Drive(loop, async () =>
        {
            waiting = Wait();
            await loop.Delay(0.001);
        });
        loop.Dispose();
        Assert.NotNull(next);
        Assert.NotSame(loop, next);
        Drive(next, async () =>
        {
            Posix.Kill(pid, Signum.SIGKILL);
            Assert.Equal(Signum.SIGKILL, (await next.WaitForExitAsync(pid)).TermSignal);
        });
        Assert.True(waiting.IsCompletedSuccessfully);

        async Task Wait()
        {
            await Assert.ThrowsAsync<ObjectDisposedException>(() => loop.WaitForExitAsync(pid).AsTask());
            next = NewDefaultLoop();
        }
    }

    [Fact]
    public void Bad_arguments_are_refused()
    {
        Loop loop = NewDefaultLoop(), other = NewLoop();
        Assert.Throws<EventException>(() => { _ = other.WaitForExitAsync(0); });
        Assert.Throws<ArgumentOutOfRangeException>("pid", () => { _ = other.WaitForExitAsync(-1); });
        Assert.Throws<ArgumentNullException>("process", () => { _ = other.WaitForExitAsync(null!); });
        Assert.Throws<ArgumentException>("process", () => { _ = other.WaitForExitAsync(new Process()); });
        AssertIdle(other);
        Assert.Throws<ArgumentOutOfRangeException>("pid", () => { _ = loop.WaitForExitAsync(-1); });
        Assert.Throws<ArgumentNullException>("process", () => { _ = loop.WaitForExitAsync(null!); });
        Assert.Throws<ArgumentException>("process", () => { _ = loop.WaitForExitAsync(new Process()); });
        AssertIdle(loop);
    }
}
