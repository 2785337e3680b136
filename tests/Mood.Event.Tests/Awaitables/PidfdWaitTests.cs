using System;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Loop.WaitForExitAsync on loops that are not the default loop.</summary>
public sealed class PidfdWaitTests : AwaitTestBase
{
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_child_is_awaited_and_reaped(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Drive(loop, async () =>
        {
            int pid = Posix.Spawn("sleep 0.05; exit 7");
            Child child = await loop.WaitForExitAsync(pid);
            Assert.Equal((pid, pid, 7, 0), (child.Pid, child.RPid, child.ExitCode, child.TermSignal));
            Assert.True(Posix.Until(() => !Posix.Exists(pid)));
            pid = Posix.Spawn("kill -9 $$");
            Assert.Equal(9, (await loop.WaitForExitAsync(pid)).TermSignal);
            Assert.True(Posix.Until(() => !Posix.Exists(pid)));
        });
        AssertIdle(loop);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_Process_is_observed_and_keeps_its_exit_code(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Drive(loop, async () =>
        {
            using Process process = Process.Start("sh", ["-c", "sleep 0.05; exit 5"]);
            Assert.Equal(5, (await loop.WaitForExitAsync(process)).ExitCode);
            Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
            Assert.Equal(5, process.ExitCode);
            Assert.Equal(5, (await loop.WaitForExitAsync(process)).ExitCode); // the process has ended and is reaped
        });
        AssertIdle(loop);
    }

    [Fact]
    public void The_runtime_keeps_a_child_of_Process_that_is_awaited_by_its_pid()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            for (int i = 0; i < 20; i++)
            {
                using Process process = Process.Start("sh", ["-c", "exit 6"]);
                await loop.WaitForExitAsync(process.Id);
                Assert.True(process.WaitForExit(TimeSpan.FromSeconds(30)));
                Assert.Equal(6, process.ExitCode);
            }
        });
    }

    [Fact]
    public void Several_loops_wait_for_their_children_at_once()
    {
        using var group = new LoopGroup(4);
        Task<int>[] exits = [.. Enumerable.Range(0, 40).Select(i =>
        {
            Loop loop = group.Next();
            return loop.InvokeAsync(async () => (await loop.WaitForExitAsync(Posix.Spawn($"sleep 0.0{i % 10}; exit {i}"))).ExitCode);
        })];
        Assert.True(Task.WaitAll(exits, TimeSpan.FromSeconds(60)));
        Assert.Equal(Enumerable.Range(0, 40), exits.Select(e => e.Result));
    }

    [Fact]
    public void The_wait_for_a_process_that_is_not_a_child_ends_with_IsGone()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            Assert.True((await loop.WaitForExitAsync(Environment.ProcessId)).IsGone);
            Assert.True((await loop.WaitForExitAsync(int.MaxValue)).IsGone);
        });
        AssertIdle(loop);
    }

    [Fact]
    public void A_zombie_that_a_debugger_holds_is_awaited_until_the_debugger_lets_go_and_the_loop_does_not_spin()
    {
        Loop loop = NewLoop();
        Drive(loop, async () =>
        {
            int pid = Posix.Spawn("exec sleep 100");
            ValueTask<Child> exit;

            using (var debugger = new HostProcess($"debugger {pid.ToString(CultureInfo.InvariantCulture)}"))
            {
                Assert.True(Posix.Until(() => debugger.Output.Length > 0));
                bool holds = debugger.Output == "holds\n"; // false if the system allows no debugger
                exit = loop.WaitForExitAsync(pid);
                Posix.Kill(pid, Signum.SIGKILL);
                Assert.True(Posix.Until(() => Posix.IsZombie(pid)));

                if (holds)
                {
                    await loop.Delay(0.1);
                    uint before = loop.Iteration;
                    await loop.Delay(0.5);
                    Assert.False(exit.IsCompleted);
                    Assert.InRange(loop.Iteration - before, 1u, 50u);
                }
            }

            Child child = await exit;
            Assert.Equal((Signum.SIGKILL, false), (child.TermSignal, child.IsGone));
            Assert.True(Posix.Until(() => !Posix.Exists(pid)));
        });
        AssertIdle(loop);
    }

    // The wait cannot pause with a timer, because the timers of an embedded loop do not run.
    [Fact]
    public void An_embedded_loop_awaits_a_zombie_that_a_debugger_has_held()
    {
        Loop outer = NewLoop(), loop = NewLoop(Backends.Epoll);
        outer.Embed(loop).Start();
        AwaitHeldZombie(outer, loop, () => RunFor(outer, 1)); // longer than the period of the sweep for closed handles, which wakes the loop once
    }

    // Before the loop was embedded, the wait paused with a timer.
    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_loop_that_is_embedded_while_a_debugger_holds_the_zombie_awaits_it(Backends backend)
    {
        Loop outer = NewLoop(backend), loop = NewLoop(Backends.Epoll);
        AwaitHeldZombie(outer, loop, () =>
        {
            RunFor(loop, 0.2);
            outer.Embed(loop).Start();
        });
    }

    [Fact]
    public void A_cancelled_wait_and_a_disposed_loop_leave_the_child_alone()
    {
        Loop loop = NewLoop();
        int pid = Posix.Spawn("exec sleep 100");
        Task waiting = Task.CompletedTask;
        Drive(loop, async () =>
        {
            using var source = new CancellationTokenSource();
            Task cancelled = loop.WaitForExitAsync(pid, source.Token).AsTask();
            source.CancelAfter(5); // not before the call: that gives a TaskCanceledException
            await Assert.ThrowsAsync<OperationCanceledException>(() => cancelled);
            Assert.True(loop.WaitForExitAsync(pid, source.Token).IsCanceled);
            waiting = loop.WaitForExitAsync(pid).AsTask();
        });
        loop.Dispose();
        AggregateException e = Assert.Throws<AggregateException>(() => waiting.Wait(TimeSpan.FromSeconds(30)));
        Assert.IsType<ObjectDisposedException>(e.InnerException);
        Assert.Equal(0, Posix.Wait(pid, out _, Posix.WNOHANG));
        Posix.Kill(pid, Signum.SIGKILL);
        Assert.Equal(pid, Posix.Wait(pid, out _));
    }

    [Fact]
    public void Dispose_of_the_loop_ends_the_wait_for_a_zombie_that_a_debugger_holds()
    {
        Loop loop = NewLoop();
        int pid = Posix.Spawn("exec sleep 100");
        Task waiting = Task.CompletedTask;

        using (var debugger = new HostProcess($"debugger {pid.ToString(CultureInfo.InvariantCulture)}"))
        {
            Assert.True(Posix.Until(() => debugger.Output.Length > 0));

            if (debugger.Output != "holds\n")
            {
                Console.WriteLine("The system allows no debugger: the wait has no pause in which the loop could be disposed.");
            }

            Drive(loop, async () =>
            {
                waiting = loop.WaitForExitAsync(pid).AsTask();

                if (debugger.Output == "holds\n")
                {
                    Posix.Kill(pid, Signum.SIGKILL);
                    Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
                    await loop.Delay(0.1);
                }

                Assert.Contains("awaited by", await loop.DescribeAsync(), StringComparison.Ordinal);
            });
            loop.Dispose();
            AggregateException e = Assert.Throws<AggregateException>(() => waiting.Wait(TimeSpan.FromSeconds(30)));
            Assert.IsType<ObjectDisposedException>(e.InnerException);
        }

        Posix.Kill(pid, Signum.SIGKILL);
        Assert.Equal(pid, Posix.Wait(pid, out _));
    }

    [Fact]
    public void Without_pidfds_WaitForExitAsync_is_refused()
    {
        Loop loop = NewLoop();
        int pid = Posix.Spawn("exec sleep 100");
        NativeTesting.Lacking = NativeTesting.Lack.Pidfd;

        try
        {
            Assert.Throws<EventException>(() => { _ = loop.WaitForExitAsync(pid); });
        }
        finally
        {
            NativeTesting.Lacking = NativeTesting.Lack.Nothing;
        }

        AssertIdle(loop);
        Posix.Kill(pid, Signum.SIGKILL);
        Posix.Wait(pid, out _);
    }

    // A debugger holds the zombie of a child that `loop` awaits, until `whileHeld` returns. Then `outer` runs, and the wait must end.
    private static void AwaitHeldZombie(Loop outer, Loop loop, Action whileHeld)
    {
        int pid = Posix.Spawn("exec sleep 100");
        Task<Child> exit;

        using (var debugger = new HostProcess($"debugger {pid.ToString(CultureInfo.InvariantCulture)}"))
        {
            Assert.True(Posix.Until(() => debugger.Output.Length > 0));
            exit = loop.WaitForExitAsync(pid).AsTask();
            Posix.Kill(pid, Signum.SIGKILL);
            Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
            whileHeld();
        }

        outer.Run(() => exit.WaitAsync(TimeSpan.FromSeconds(10)));
        Assert.Equal(Signum.SIGKILL, exit.Result.TermSignal);
        Assert.True(Posix.Until(() => !Posix.Exists(pid)));
    }
}
