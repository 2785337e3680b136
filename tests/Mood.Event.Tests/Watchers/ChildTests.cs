using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Globalization;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Child, for children that the test has spawned itself. ChildProcessTests has the children of Process.</summary>
public class ChildTests : LoopTestBase
{
    private const int SIGKILL = 9;

    [Fact]
    public void A_new_child_watcher_has_its_parameters_and_is_not_started()
    {
        Loop loop = NewDefaultLoop();
        object data = new();

        foreach (Child w in new[]
        {
            new Child(loop, 4711, trace: true, (_, _) => { }, data, priority: -1), loop.Child(4711, trace: true, (_, _) => { }, data, priority: -1),
        })
        {
            Assert.Same(loop, w.Loop);
            Assert.Equal(4711, w.Pid);
            Assert.Same(data, w.Data);
            Assert.Equal(Ev.MaxPriority, w.Priority);
            Assert.False(w.IsActive);
            CheckNothingHappened(w);
            w.Dispose();
        }
    }

    [Fact]
    public void The_priority_of_a_child_watcher_is_always_the_highest()
    {
        Loop loop = NewDefaultLoop();
        using Child w = loop.Child(1, trace: false, (_, _) => { });
        w.Priority = -2;
        Assert.Equal(Ev.MaxPriority, w.Priority);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(127)]
    [InlineData(255)]
    public void An_exit_code_is_reported(int code)
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn($"exit {code}");
        Child w = Watch(loop, pid);
        Assert.Equal(pid, w.RPid);
        Assert.Equal(code << 8, w.RStatus);
        Assert.Equal(code, w.ExitCode);
        Assert.True(w.HasExited);
        Assert.Equal(0, w.TermSignal);
        Assert.Equal(0, w.StopSignal);
        Assert.False(w.IsStopped);
        Assert.False(w.IsContinued);
        Assert.False(w.IsGone);
    }

    [Theory]
    [InlineData(SIGKILL)]
    [InlineData(15)]
    [InlineData(6)]
    public void The_signal_that_ended_a_child_is_reported(int signum)
    {
        Loop loop = NewDefaultLoop();
        Child w = Watch(loop, Posix.Spawn($"kill -{signum} $$"));
        Assert.Equal(signum, w.TermSignal);
        Assert.Equal(signum, w.RStatus & 0x7f);
        Assert.True(w.HasExited);
        Assert.Equal(-1, w.ExitCode);
        Assert.False(w.IsStopped);
        Assert.False(w.IsGone);
    }

    [Fact]
    public void The_callback_gets_Events_Child_on_the_loop_s_thread_and_the_watcher_stays_active()
    {
        Loop loop = NewDefaultLoop();
        (Events, int) seen = default;
        Child w = loop.Child(Posix.Spawn("exit 0"), trace: false, (_, e) =>
        {
            seen = (e, Environment.CurrentManagedThreadId);
            loop.Stop();
        });
        w.Start();
        Assert.True(loop.Start());
        Assert.Equal((Events.Child, Environment.CurrentManagedThreadId), seen);
        Assert.True(w.IsActive);
    }

    [Fact]
    public void The_callback_is_called_once_for_an_end()
    {
        Loop loop = NewDefaultLoop();
        int calls = 0;
        Child w = loop.Child(Posix.Spawn("exit 0"), trace: false, (_, _) => calls++);
        w.Start();
        Watch(loop, Posix.Spawn("sleep 0.05; exit 1")); // the end of another child must not call the watcher again
        Ev.FeedSignal(Signum.SIGCHLD);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_child_that_ended_before_Start_is_reported()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exit 4");
        Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
        Assert.Equal(4, Watch(loop, pid).ExitCode);
    }

    [Fact]
    public void The_child_is_reaped_before_the_callback()
    {
        // The child is reaped before the callback only if the pool has a free thread.
        ThreadPool.GetMinThreads(out int workers, out int ports);
        ThreadPool.SetMinThreads(workers + 16, ports);
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exit 5"), waited = 0;
        bool exists = true;
        loop.Child(pid, trace: false, (w, _) =>
        {
            waited = Posix.Wait(pid, out int _, Posix.WNOHANG);
            exists = Posix.Exists(pid);
            w.Stop();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(-1, waited);
        Assert.False(exists);
        ThreadPool.SetMinThreads(workers, ports);
    }

    [Fact]
    public void The_zombie_that_a_debugger_holds_is_reported_when_the_debugger_lets_go_and_the_loop_does_not_spin()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exec sleep 100"), calls = 0;
        using Child w = loop.Child(pid, trace: false, (_, _) =>
        {
            calls++;
            loop.Stop();
        });
        w.Start();

        using (var debugger = new HostProcess($"debugger {pid.ToString(CultureInfo.InvariantCulture)}"))
        {
            Assert.True(Posix.Until(() => debugger.Output.Length > 0));

            if (debugger.Output != "holds\n")
            {
                Console.WriteLine("Not tested with a debugger: the system allows none.");
                Posix.Kill(pid, SIGKILL);
                Assert.True(loop.Start());
                return;
            }

            Posix.Kill(pid, SIGKILL);
            Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
            RunFor(0.1); // for the first 50 ms the loop asks for the child in every iteration
            uint before = loop.Iteration;
            RunFor(0.5);
            Assert.Equal(0, calls);
            Assert.InRange(loop.Iteration - before, 1u, 150u);
        }

        Assert.True(loop.Start());
        Assert.Equal((1, SIGKILL, false), (calls, w.TermSignal, w.IsGone));
        Assert.True(Posix.Until(() => !Posix.Exists(pid)));

        void RunFor(double seconds)
        {
            using Timer timer = loop.Timer(seconds, 0, (_, _) => loop.Stop());
            timer.Start();
            loop.Start();
        }
    }

    [Fact]
    public void On_a_manual_clock_that_stands_still_the_end_is_reported_and_the_child_is_reaped_soon_after()
    {
        var clock = new ManualClock();
        using Loop loop = Loop.GetDefault(LoopFlags.NoEnv, clock: clock);

        for (int i = 0; i < 20; i++)
        {
            int pid = Posix.Spawn("exit 7"), calls = 0;
            using Child w = loop.Child(pid, trace: false, (w, _) =>
            {
                calls++;
                w.Stop();
            });
            w.Start();
            double now = loop.Now();
            Assert.False(loop.Start());
            Assert.Equal((1, 7, false, now), (calls, w.ExitCode, w.IsGone, loop.Now()));
            Assert.True(Posix.Until(() => !Posix.Exists(pid)));
        }
    }

    [Fact]
    public void A_child_without_a_watcher_is_left_alone()
    {
        Loop loop = NewDefaultLoop();
        int other = Posix.Spawn("exit 6");
        Assert.True(Posix.Until(() => Posix.IsZombie(other)));
        Watch(loop, Posix.Spawn("exit 0"));
        Assert.Equal(other, Posix.Wait(other, out int status, Posix.WNOHANG));
        Assert.Equal(6 << 8, status);
    }

    [Fact]
    public void A_child_that_another_part_of_the_process_has_reaped_is_gone_unless_the_kernel_keeps_its_status()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 0.05; exit 7");
        Child w = loop.Child(pid, trace: true, (w, _) => w.Stop());
        w.Start();
        Assert.Equal(pid, Posix.Wait(pid, out _));
        Assert.False(loop.Start());

        if (NativeTesting.TellsReapedStatus)
        {
            Assert.Equal((pid, 7 << 8, 7, true, false), (w.RPid, w.RStatus, w.ExitCode, w.HasExited, w.IsGone));
        }
        else
        {
            CheckGone(w, pid);
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void In_an_embedded_loop_a_child_that_ended_before_Start_is_reported(bool isReaped)
    {
        Loop outer = NewLoop(), loop = NewDefaultLoop();
        using Embed embed = outer.Embed(loop);
        embed.Start();
        int pid = Posix.Spawn("exit 7"), calls = 0;
        Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
        outer.Start(RunFlags.NoWait);

        if (isReaped)
        {
            Posix.Wait(pid, out _);
        }

        using Child child = loop.Child(pid, trace: false, (w, _) =>
        {
            calls++;
            Assert.True(w.HasExited);
            outer.Stop();
        });
        child.Start();
        outer.Start();
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_pid_of_a_process_that_is_not_a_child_is_reported_as_gone()
    {
        Loop loop = NewDefaultLoop();
        CheckGone(Watch(loop, Environment.ProcessId), Environment.ProcessId);
        CheckGone(Watch(loop, int.MaxValue), int.MaxValue);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(int.MinValue)]
    public void A_negative_pid_is_refused(int pid)
    {
        Loop loop = NewDefaultLoop();
        (int Loops, int Watchers) before = Live();
        Assert.Equal("pid", Assert.Throws<ArgumentOutOfRangeException>(() => loop.Child(pid, trace: false, (_, _) => { })).ParamName);
        Assert.Equal(before, Live());

        int child = Posix.Spawn("exit 8");
        Child w = loop.Child(child, trace: false, (w, _) => w.Stop());
        Assert.Throws<ArgumentOutOfRangeException>(() => w.Set(pid, trace: true));
        Assert.Equal(child, w.Pid);
        w.Start();
        Assert.False(loop.Start());
        Assert.Equal(8, w.ExitCode);
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewDefaultLoop();
        Assert.Throws<ArgumentNullException>(() => new Child(null!, 1, trace: false, (_, _) => { }));
        Assert.Throws<ArgumentNullException>(() => new Child(loop, 1, trace: false, null!));
        Assert.Throws<ArgumentNullException>(() => new Child(loop, (Process)null!, trace: false, (_, _) => { }));
        using Child w = loop.Child(1, trace: false, (_, _) => { });
        Assert.Throws<ArgumentNullException>(() => w.Set(null!, trace: false));
        Assert.Equal(1, w.Pid);
    }

    [Fact]
    public void A_loop_that_is_not_the_default_loop_is_refused()
    {
        Loop loop = NewLoop();
        (int Loops, int Watchers) before = Live();
        Assert.Throws<EventException>(() => new Child(loop, 1, trace: false, (_, _) => { }));
        Assert.Throws<EventException>(() => loop.Child(0, trace: false, (_, _) => { }));
        using var self = Process.GetCurrentProcess();
        Assert.Throws<EventException>(() => loop.Child(self, trace: false, (_, _) => { }));
        Assert.Equal(before, Live());
        Assert.False(loop.Start());
    }

    [Fact]
    public void Set_is_refused_while_active_and_while_pending()
    {
        Loop loop = NewDefaultLoop();
        using var self = Process.GetCurrentProcess();
        int pid = Posix.Spawn("sleep 0.02; exit 9");
        Child w = loop.Child(pid, trace: false, (w, _) => w.Stop());
        w.Start();
        CheckRefused();
        Assert.False(loop.Start());
        Assert.Equal(9, w.ExitCode);

        w.Feed(Events.Custom);
        CheckRefused();
        Assert.Equal(9, w.ExitCode);
        w.Clear();
        w.Set(1, trace: false);
        Assert.Equal(1, w.Pid);

        void CheckRefused()
        {
            Assert.Throws<InvalidOperationException>(() => w.Set(1, trace: true));
            Assert.Throws<InvalidOperationException>(() => w.Set(self, trace: true));
            Assert.Equal(pid, w.Pid);
        }
    }

    [Fact]
    public void A_watcher_can_be_set_and_started_again_after_an_end()
    {
        Loop loop = NewDefaultLoop();
        Child w = loop.Child(Posix.Spawn("exit 1"), trace: false, (w, _) => w.Stop());

        for (int code = 1; code <= 5; code++)
        {
            if (code > 1)
            {
                int pid = Posix.Spawn($"exit {code}");
                w.Set(pid, trace: false);
                Assert.Equal(pid, w.Pid);
                CheckNothingHappened(w);
            }

            w.Start();
            Assert.False(loop.Start());
            Assert.Equal(code, w.ExitCode);
        }

        // A Start for the same child, whose end was reported already, reports that the child is gone.
        w.Start();
        CheckNothingHappened(w);
        Assert.False(loop.Start());
        CheckGone(w, w.Pid);
    }

    [Fact]
    public void A_watcher_that_is_stopped_before_the_end_is_not_called_and_does_not_reap()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exit 2"), calls = 0;
        Child w = loop.Child(pid, trace: false, (_, _) => calls++);
        w.Start();
        w.Stop();
        Assert.True(Posix.Until(() => Posix.IsZombie(pid)));
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
        Assert.Equal(pid, Posix.Wait(pid, out _, Posix.WNOHANG));
    }

    [Fact]
    public void Several_watchers_of_one_pid_are_all_called()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 0.01; exit 3"), sum = 0, calls = 0;

        for (int i = 0; i < 3; i++)
        {
            loop.Child(pid, trace: false, (w, _) =>
            {
                calls++;
                sum += w.ExitCode;
                w.Stop();
            }).Start();
        }

        Assert.False(loop.Start());
        Assert.Equal((3, 9), (calls, sum));
        Posix.AssertReaped(pid);
    }

    [Fact]
    public void Children_are_reported_before_and_after_the_default_loop_is_remade()
    {
        int alive = Posix.Spawn("sleep 0.1; exit 30");

        for (int i = 0; i < 3; i++)
        {
            Loop loop = NewDefaultLoop();
            Assert.True(loop.IsDefault);
            Assert.Equal(i, Watch(loop, Posix.Spawn($"exit {i}")).ExitCode);
            int old = 0;
            Child left = loop.Child(alive, trace: false, (_, _) => old++);
            left.Start();
            loop.Dispose();
            Assert.False(left.IsActive);
            Assert.NotSame(loop, Loop.GetDefault(LoopFlags.NoEnv));
            Assert.Equal(0, old);
        }

        Assert.Equal(30, Watch(NewDefaultLoop(), alive).ExitCode);
    }

    [Fact]
    public void A_child_watcher_keeps_the_loop_alive_unless_KeepAlive_is_false()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 100");
        Child w = loop.Child(pid, trace: false, (w, _) => w.Stop());
        w.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        w.KeepAlive = false;
        Assert.False(loop.Start());
        w.KeepAlive = true;
        Posix.Kill(pid, SIGKILL);
        Assert.False(loop.Start());
        Assert.Equal(SIGKILL, w.TermSignal);
    }

    [Fact]
    public void A_disposed_watcher_keeps_its_getters_only()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("exit 11");
        Child w = Watch(loop, pid);
        w.Dispose();
        w.Dispose();
        w.Stop();
        using var self = Process.GetCurrentProcess();
        Assert.Throws<ObjectDisposedException>(w.Start);
        Assert.Throws<ObjectDisposedException>(() => w.Set(1, trace: false));
        Assert.Throws<ObjectDisposedException>(() => w.Set(self, trace: false));
        Assert.Equal((pid, pid, 11, true), (w.Pid, w.RPid, w.ExitCode, w.HasExited));
    }

    [Fact]
    public void A_watcher_may_dispose_itself_in_its_callback()
    {
        Loop loop = NewDefaultLoop();
        int calls = 0;
        loop.Child(Posix.Spawn("exit 0"), trace: false, (w, _) =>
        {
            calls++;
            w.Dispose();
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Invoke_by_hand_changes_no_status()
    {
        Loop loop = NewDefaultLoop();
        Events seen = Events.None;
        using Child w = loop.Child(1, trace: false, (_, e) => seen = e);
        w.Invoke(Events.Custom);
        Assert.Equal(Events.Custom, seen);
        CheckNothingHappened(w);
    }

    [Fact]
    public void SIGCHLD_belongs_to_the_default_loop()
    {
        Loop loop = NewDefaultLoop(), other = NewLoop();
        Signal w = other.Signal(Signum.SIGCHLD, (_, _) => { });
        Assert.Throws<EventException>(w.Start);
        Assert.False(w.IsActive);
        loop.Dispose();
        w.Start();
        Assert.Throws<EventException>(() => Loop.GetDefault(LoopFlags.NoEnv));
        w.Dispose();
        Assert.Equal(0, Watch(NewDefaultLoop(), Posix.Spawn("exit 0")).ExitCode);
    }

    private static Child Watch(Loop loop, int pid)
    {
        Child w = loop.Child(pid, trace: false, (w, _) =>
        {
            w.Stop();
            loop.Stop();
        });
        w.Start();
        loop.Start();
        Assert.Equal(pid, w.RPid);
        return w;
    }

    private static void CheckNothingHappened(Child w)
    {
        Assert.Equal((0, 0, -1, 0, 0), (w.RPid, w.RStatus, w.ExitCode, w.TermSignal, w.StopSignal));
        Assert.False(w.HasExited || w.IsStopped || w.IsContinued || w.IsGone);
    }

    private static void CheckGone(Child w, int pid)
    {
        Assert.Equal((pid, -1, -1, 0, 0), (w.RPid, w.RStatus, w.ExitCode, w.TermSignal, w.StopSignal));
        Assert.True(w.IsGone);
        Assert.True(w.HasExited);
        Assert.False(w.IsStopped || w.IsContinued);
    }

    [Fact]
    public void After_the_default_loop_is_disposed_in_a_callback_the_next_one_reports_children_that_ended_before()
    {
        for (int round = 0; round < 5; round++)
        {
            Loop loop = NewDefaultLoop();
            int[] pids = [.. Enumerable.Range(0, 4).Select(i => Posix.Spawn($"exit {i + 1}"))];
            Assert.All(pids, pid => Assert.True(Posix.Until(() => Posix.IsZombie(pid))));
            int calls = 0;

            // The loop is disposed in the callback that reports one of these children.
            foreach (int pid in pids[..2])
            {
                loop.Child(pid, trace: false, (_, _) =>
                {
                    calls++;
                    loop.Dispose();
                }).Start();
            }

            Assert.False(loop.Start());
            Assert.Equal(1, calls);

            // The first loop has never watched the other two children.
            Loop next = NewDefaultLoop();
            Assert.NotSame(loop, next);
            Dictionary<int, int> codes = [];
            Timer late = next.Timer(5, 0, (_, _) => next.Stop(BreakHow.All));
            late.Start();

            foreach (int pid in pids[2..])
            {
                next.Child(pid, trace: false, (w, _) =>
                {
                    codes[w.Pid] = w.ExitCode;
                    w.Dispose();

                    if (codes.Count == 2)
                    {
                        next.Stop();
                    }
                }).Start();
            }

            next.Start();
            Assert.Equal((3, 4), (codes.GetValueOrDefault(pids[2]), codes.GetValueOrDefault(pids[3])));
            next.Dispose();

            foreach (int pid in pids[..2])
            {
                Posix.Wait(pid, out _); // reaps the child that was not reported
            }
        }
    }
}
