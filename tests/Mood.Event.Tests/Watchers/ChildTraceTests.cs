using System;
using System.Collections.Generic;
using System.Diagnostics;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Children that are stopped and continued, and pid 0, which means every child.</summary>
public class ChildTraceTests : LoopTestBase
{
    private const int SIGSTOP = 19, SIGCONT = 18, SIGKILL = 9;

    [Fact]
    public void With_trace_the_callback_is_called_when_the_child_stops_and_continues()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("kill -STOP $$; exit 3");
        List<string> log = [];
        loop.Child(pid, trace: true, (w, _) =>
        {
            Assert.Equal(pid, w.RPid);
            log.Add($"stopped {w.IsStopped} by {w.StopSignal}, continued {w.IsContinued}, exited {w.HasExited} with {w.ExitCode}, {w.TermSignal}");

            if (w.IsStopped)
            {
                Posix.Kill(pid, SIGCONT);
            }
            else if (w.HasExited)
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());

        // A continued child may end before the loop asks for its status. Then the continuation is not reported.
        log.Remove("stopped False by 0, continued True, exited False with -1, 0");
        Assert.Equal(
            [
                "stopped True by 19, continued False, exited False with -1, 0",
                "stopped False by 0, continued False, exited True with 3, 0",
            ],
            log);
    }

    [Fact]
    public void The_continuation_of_a_child_that_does_not_end_is_reported()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 100");
        string log = "";
        loop.Child(pid, trace: true, (w, _) =>
        {
            log += w.IsStopped ? $"s{w.StopSignal} " : w.IsContinued ? $"c{w.RStatus:x} " : $"k{w.TermSignal} ";
            Next(w, pid);
        }).Start();
        Posix.Kill(pid, SIGSTOP);
        Assert.False(loop.Start());
        Assert.Equal("s19 cffff k9 ", log);
    }

    [Fact]
    public void Without_trace_the_callback_is_called_for_the_end_only()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 100");
        string log = "";
        Child end = loop.Child(pid, trace: false, (w, _) =>
        {
            log += $"end {w.TermSignal} {w.HasExited} ";
            w.Stop();
        });
        end.Start();
        loop.Child(pid, trace: true, (w, _) =>
        {
            log += w.IsStopped ? "stopped " : w.IsContinued ? "continued " : "";
            Next(w, pid);
        }).Start();
        Posix.Kill(pid, SIGSTOP);
        Assert.False(loop.Start());
        Assert.Equal("stopped continued end 9 True ", log);
    }

    [Fact]
    public void If_the_status_is_lost_after_a_stop_watchers_without_trace_are_called_too()
    {
        NativeTesting.Lack before = NativeTesting.Lacking;
        NativeTesting.Lacking |= NativeTesting.Lack.PidfdInfo;

        try
        {
            Loop loop = NewDefaultLoop();
            int pid = Posix.Spawn("exec sleep 100");
            Child end = loop.Child(pid, trace: false, (w, _) => w.Stop());
            end.Start();
            Child trace = loop.Child(pid, trace: true, (w, _) =>
            {
                if (w.IsStopped)
                {
                    Posix.Kill(pid, SIGKILL);
                    Assert.Equal(pid, Posix.Wait(pid, out int status)); // the test reaps the child, as another part of the process may
                }
                else
                {
                    w.Stop();
                }
            });
            trace.Start();
            using Timer timeout = loop.Timer(Patience, 0, (_, _) => loop.Stop());
            timeout.KeepAlive = false;
            timeout.Start();
            Posix.Kill(pid, SIGSTOP);
            Assert.False(loop.Start());
            Assert.Equal((pid, true, true), (trace.RPid, trace.IsGone, trace.HasExited));
            Assert.Equal((pid, true, true), (end.RPid, end.IsGone, end.HasExited));
        }
        finally
        {
            NativeTesting.Lacking = before;
        }
    }

    [Fact]
    public void Pid_0_reports_and_reaps_every_child()
    {
        Loop loop = NewDefaultLoop();
        Dictionary<int, int> seen = [];
        int before = Posix.Spawn("exit 20");
        Assert.True(Posix.Until(() => Posix.IsZombie(before)));
        List<int> pids = [before];
        loop.Child(0, trace: false, (w, _) =>
        {
            Assert.Equal(0, w.Pid);
            Assert.True(seen.TryAdd(w.RPid, w.ExitCode));

            if (seen.Count == 4)
            {
                w.Stop();
            }
        }).Start();

        for (int i = 1; i < 4; i++)
        {
            pids.Add(Posix.Spawn($"sleep 0.0{i}; exit {20 + i}"));
        }

        Assert.False(loop.Start());

        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(20 + i, Assert.Contains(pids[i], (IDictionary<int, int>)seen));
            Posix.AssertReaped(pids[i]);
        }
    }

    [Fact]
    public void A_watcher_of_pid_0_and_a_watcher_of_the_pid_are_each_called_once()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 0.01; exit 4");
        List<string> log = [];
        Child every = loop.Child(0, trace: false, (w, _) => log.Add($"every {w.RPid == pid} {w.ExitCode}"));
        Child one = loop.Child(pid, trace: false, (w, _) => log.Add($"one {w.RPid == pid} {w.ExitCode}"));
        every.Start();
        one.Start();
        int last = Posix.Spawn("sleep 0.1");
        loop.Child(last, trace: false, (_, _) => loop.Stop()).Start();
        loop.Start();
        log.Remove("every False 0");
        Assert.Equal(2, log.Count);
        Assert.Contains("every True 4", log);
        Assert.Contains("one True 4", log);
    }

    [Fact]
    public void Pid_0_with_trace_reports_stops()
    {
        Loop loop = NewDefaultLoop();
        int pid = Posix.Spawn("sleep 100");
        string log = "";
        loop.Child(0, trace: true, (w, _) =>
        {
            Assert.Equal(pid, w.RPid);
            log += w.IsStopped ? "stopped " : w.IsContinued ? "continued " : $"killed {w.TermSignal}";
            Next(w, pid);
        }).Start();
        Posix.Kill(pid, SIGSTOP);
        Assert.False(loop.Start());
        Assert.Equal("stopped continued killed 9", log);
    }

    // Continues a stopped child, kills a continued child, and stops the watcher of an ended child.
    private static void Next(Child child, int pid)
    {
        if (child.HasExited)
        {
            child.Stop();
        }
        else
        {
            Posix.Kill(pid, child.IsStopped ? SIGCONT : SIGKILL);
        }
    }
}
