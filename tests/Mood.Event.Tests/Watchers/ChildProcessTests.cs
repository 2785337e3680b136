using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using System.Linq;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A Child and a System.Diagnostics.Process for the same child. The Process must work as it does without the Child.
/// </summary>
public class ChildProcessTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    [Fact]
    public void The_end_of_a_Process_is_reported_and_Process_keeps_its_exit_code()
    {
        Loop loop = NewDefaultLoop();

        for (int code = 0; code < 20; code++)
        {
            using Process process = Run($"exit {code}");
            object data = new();
            Child w = code % 2 == 0
                ? loop.Child(process, trace: false, (w, _) => w.Stop(), data, 1)
                : new Child(loop, process, trace: false, (w, _) => w.Stop(), data, 1);
            Assert.Equal(process.Id, w.Pid);
            Assert.Same(data, w.Data);
            w.Start();
            Assert.False(loop.Start());
            Assert.Equal(process.Id, w.RPid);
            Assert.True(w.HasExited);
            Assert.False(w.IsGone);
            Assert.Equal(code, w.ExitCode);
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(code, process.ExitCode);
        }
    }

    [Fact]
    public void A_process_that_the_runtime_has_reaped_is_reported_with_its_exit_code()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Run("exit 12");
        Assert.True(process.WaitForExit(s_patience));
        Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
        w.Start();
        Assert.False(loop.Start());
        Assert.Equal((process.Id, 12, false), (w.RPid, w.ExitCode, w.IsGone));
    }

    /// <summary>The first property of the Process that is read after its end raises Exited.</summary>
    [Theory, InlineData(true), InlineData(false)]
    public void A_handler_of_Exited_is_called_on_the_thread_pool_and_its_exception_is_reported(bool isDefault)
    {
        Loop loop = isDefault ? NewDefaultLoop() : NewLoop();
        using var process = new Process { StartInfo = Script("exit 12") };
        using var wasReported = new ManualResetEventSlim();
        Exception? reported = null;
        bool wasOnPool = false;
        process.Exited += (_, _) =>
        {
            wasOnPool = Thread.CurrentThread.IsThreadPoolThread;
            throw new InvalidTimeZoneException();
        };
        loop.CallbackException += (_, e) =>
        {
            reported = e.Exception;
            wasReported.Set();
        };
        process.Start();
        Assert.True(Posix.Until(() => !Directory.Exists($"/proc/{process.Id}"))); // the runtime has reaped it
        int code = 0;
        var thread = new Thread(() => code = loop.Run(async () => (await loop.WaitForExitAsync(process)).ExitCode));
        thread.Start();
        thread.Join();
        Assert.Equal(12, code);
        Assert.True(wasReported.Wait(s_patience));
        Assert.IsType<InvalidTimeZoneException>(reported);
        Assert.True(wasOnPool);
        Assert.Null(process.SynchronizingObject);
    }

    [Fact]
    public void A_killed_process_is_reported_either_with_its_signal_or_with_the_runtimes_exit_code()
    {
        Loop loop = NewDefaultLoop();

        for (int i = 0; i < 30; i++)
        {
            using Process process = Run("exec sleep 100");
            Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
            w.Start();
            process.Kill();
            Assert.False(loop.Start());
            Assert.True(w.HasExited);
            Assert.False(w.IsGone);
            (int, int, int) told = (w.TermSignal, w.ExitCode, w.RStatus);

            // If the kernel has forgotten the status, the Child knows only the runtime's exit code, which it does not convert to
            // a wait status.
            Assert.True(told == (9, -1, 9) || (!NativeTesting.TellsReapedStatus && told == (0, 137, -1)), $"{told}");
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(137, process.ExitCode);
        }
    }

    [Fact]
    public void A_process_watched_by_its_pid_has_its_status_if_the_kernel_keeps_it()
    {
        Loop loop = NewDefaultLoop();

        for (int i = 0; i < 30; i++)
        {
            using Process process = Run("read line; exit 200", input: true);
            Child w = loop.Child(process.Id, trace: false, (w, _) => w.Stop());
            w.Start();
            process.StandardInput.Close();
            Assert.False(loop.Start());
            Assert.True(w.RStatus == 200 << 8 || (!NativeTesting.TellsReapedStatus && w.IsGone), $"{w.RStatus:x}");
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(200, process.ExitCode);
        }
    }

    [Fact]
    public void A_SIGRTMAX_from_elsewhere_does_not_make_the_loop_reap_a_child_of_Process()
    {
        using var guard = new SignalGuard(Signum.SIGRTMAX);
        Loop loop = NewDefaultLoop();

        for (int i = 0; i < 20; i++)
        {
            Posix.Raise(Signum.SIGRTMAX);
            using Process process = Run("exit 23");
            Child w = loop.Child(process.Id, trace: false, (w, _) => w.Stop());
            w.Start();
            Posix.Raise(Signum.SIGRTMAX);
            Assert.False(loop.Start());
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(23, process.ExitCode);
        }
    }

    [Fact]
    public void The_ends_of_children_reach_a_loop_whose_thread_blocks_every_signal()
    {
        Exception? failure = null;

        // A thread of its own, whose mask does not affect other tests.
        var thread = new Thread(() => failure = Record.Exception(() =>
        {
            // All signals except 32 to 34, which the C library and the runtime send to their own threads.
            int[] all = [.. Enumerable.Range(1, 64).Where(n => n is < 32 or > 34)];
            Posix.Mask(block: true, all);
            ulong blocked = Posix.Blocked();
            Loop loop = NewDefaultLoop();

            for (int i = 0; i < 20; i++)
            {
                int own = Posix.Spawn("exit 6");
                using Process process = Run("exit 23");
                Child[] watchers =
                [
                    loop.Child(own, trace: true, (w, _) => w.Stop()),
                    loop.Child(process, trace: false, (w, _) => w.Stop()),
                    loop.Child(process.Id, trace: false, (w, _) => w.Stop()),
                ];
                Array.ForEach(watchers, w => w.Start());
                Assert.False(loop.Start());
                Assert.Equal((6, 23), (watchers[0].ExitCode, watchers[1].ExitCode));
                Assert.True(watchers[2].IsGone || watchers[2].ExitCode == 23);
                Posix.AssertReaped(own);
                Assert.True(process.WaitForExit(s_patience));
                Assert.Equal((blocked, 23), (Posix.Blocked(), process.ExitCode));
            }

            loop.Dispose();
        }));
        thread.Start();
        Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)));
        Assert.Null(failure);
    }

    [Fact]
    public void The_stops_of_a_Process_are_reported_with_trace()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Run("sleep 100");
        string log = "";
        Child w = loop.Child(process, trace: true, (w, _) =>
        {
            log += w.IsStopped ? "stopped " : w.IsContinued ? "continued " : "ended";

            if (w.HasExited)
            {
                w.Stop();
            }
            else
            {
                Posix.Kill(w.RPid, w.IsStopped ? Signum.SIGCONT : Signum.SIGKILL);
            }
        });
        w.Start();
        Posix.Kill(process.Id, Signum.SIGSTOP);
        Assert.False(loop.Start());
        Assert.Equal("stopped continued ended", log);
        Assert.True(process.WaitForExit(s_patience));
    }

    [Fact]
    public void The_Exited_event_and_the_output_of_the_Process_arrive()
    {
        Loop loop = NewDefaultLoop();
        using var exited = new ManualResetEventSlim();
        using var process = new Process { StartInfo = Script("echo hello; exit 13"), EnableRaisingEvents = true };
        process.StartInfo.RedirectStandardOutput = true;
        process.Exited += (_, _) => exited.Set();
        process.Start();
        Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
        w.Start();
        Assert.False(loop.Start());
        Assert.True(exited.Wait(s_patience));
        Assert.Equal("hello\n", process.StandardOutput.ReadToEnd());
        Assert.Equal((13, 13), (process.ExitCode, w.ExitCode));
    }

    [Fact]
    public void A_Process_keeps_its_exit_code_when_it_is_watched_by_its_pid()
    {
        Loop loop = NewDefaultLoop();

        for (int i = 0; i < 100; i++)
        {
            using Process process = Run(i % 2 == 0 ? $"exit {i}" : $"sleep 0.00{i % 10}; exit {i}");
            Child w = loop.Child(process.Id, trace: false, (w, _) => w.Stop());
            w.Start();
            Assert.False(loop.Start());
            Assert.True(w.HasExited);
            Assert.True(w.IsGone || w.ExitCode == i);
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(i, process.ExitCode);
        }
    }

    [Fact]
    public void One_child_can_be_watched_by_its_Process_and_by_its_pid()
    {
        Loop loop = NewDefaultLoop();
        using Process process = Run("sleep 0.02; exit 14");
        Child owned = loop.Child(process, trace: false, (w, _) => w.Stop()), bare = loop.Child(process.Id, trace: false, (w, _) => w.Stop());
        owned.Start();
        bare.Start();
        Assert.False(loop.Start());
        Assert.Equal(14, owned.ExitCode);
        Assert.True(bare.IsGone || bare.ExitCode == 14);
        Assert.True(process.WaitForExit(s_patience));
        Assert.Equal(14, process.ExitCode);
    }

    [Fact]
    public void Pid_0_does_not_reap_children_of_Process()
    {
        Loop loop = NewDefaultLoop();
        int stranger = Posix.Spawn("sleep 0.6; exit 15");
        using Process process = Run("sleep 0.5; exit 16");
        Dictionary<int, int> seen = [];
        loop.Child(0, trace: false, (w, _) =>
        {
            seen[w.RPid] = w.RStatus;

            if (seen.Count == 2)
            {
                w.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(15 << 8, seen[stranger]);
        Assert.True(seen[process.Id] is -1 or 16 << 8, $"{seen[process.Id]:x}");
        Posix.AssertReaped(stranger);
        Assert.True(process.WaitForExit(s_patience));
        Assert.Equal(16, process.ExitCode);
    }

    [Fact]
    public void Set_watches_another_process()
    {
        Loop loop = NewDefaultLoop();
        using Process first = Run("exit 17"), second = Run("exit 18");
        Child w = loop.Child(first, trace: false, (w, _) => w.Stop());
        w.Set(second, trace: false);
        Assert.Equal(second.Id, w.Pid);
        w.Start();
        Assert.False(loop.Start());
        Assert.Equal((second.Id, 18), (w.RPid, w.ExitCode));
        w.Set(first, trace: false);
        Assert.Equal((first.Id, 0, false), (w.Pid, w.RPid, w.HasExited));
        w.Start();
        Assert.False(loop.Start());
        Assert.Equal((first.Id, 17), (w.RPid, w.ExitCode));
    }

    [Fact]
    public void A_process_that_was_not_started_or_is_disposed_is_refused()
    {
        Loop loop = NewDefaultLoop();
        (int Loops, int Watchers) before = Live();
        using var fresh = new Process { StartInfo = Script("exit 0") };
        Process disposed = Run("exit 0");
        disposed.WaitForExit();
        disposed.Dispose();

        foreach (Process process in new[] { fresh, disposed })
        {
            Assert.Equal("process", Assert.Throws<ArgumentException>(() => loop.Child(process, trace: false, (_, _) => { })).ParamName);
            Assert.Equal(before, Live());
            using Child w = loop.Child(4711, trace: false, (_, _) => { });
            Assert.Throws<ArgumentException>(() => w.Set(process, trace: false));
            Assert.Equal(4711, w.Pid);
        }
    }

    [Fact]
    public void The_end_of_a_child_is_reported_after_its_Process_was_disposed()
    {
        Loop loop = NewDefaultLoop();
        Process process = Run("sleep 0.03");
        int pid = process.Id;
        Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
        w.Start();
        process.Dispose();
        Assert.False(loop.Start());
        Assert.Equal((pid, true), (w.RPid, w.HasExited));
    }

    [Fact]
    public void A_process_that_is_not_a_child_is_gone()
    {
        Loop loop = NewDefaultLoop();
        using var self = Process.GetCurrentProcess();
        Child w = loop.Child(self, trace: false, (w, _) => w.Stop());
        w.Start();
        Assert.False(loop.Start());
        Assert.True(w.IsGone);
        Assert.Equal(-1, w.ExitCode);
    }

    [Fact]
    public void A_hundred_children_with_a_Process_and_a_hundred_without_are_all_reported()
    {
        Loop loop = NewDefaultLoop();
        List<Process> processes = [];
        List<int> strangers = [];
        Dictionary<int, int> seen = [];

        for (int i = 0; i < 100; i++)
        {
            processes.Add(Run($"sleep 0.{i % 10}; exit {i}"));
            strangers.Add(Posix.Spawn($"sleep 0.{i % 10}; exit {i}"));
            loop.Child(processes[i], trace: false, See).Start();
            loop.Child(strangers[i], trace: false, See).Start();
        }

        Assert.False(loop.Start());

        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(i, seen[processes[i].Id]);
            Assert.Equal(i, seen[strangers[i]]);
            Posix.AssertReaped(strangers[i]);
            Assert.True(processes[i].WaitForExit(s_patience));
            Assert.Equal(i, processes[i].ExitCode);
            processes[i].Dispose();
        }

        void See(Child w, Events events)
        {
            Assert.True(seen.TryAdd(w.RPid, w.ExitCode));
            w.Stop();
        }
    }

    [Fact]
    public void Processes_work_before_between_and_after_default_loops()
    {
        CheckProcess();

        for (int i = 0; i < 3; i++)
        {
            Loop loop = NewDefaultLoop();
            CheckProcess();
            using Process process = Run("exit 21");
            Child w = loop.Child(process, trace: false, (w, _) => w.Stop());
            w.Start();
            CheckProcess();
            Assert.False(loop.Start());
            loop.Dispose();
            CheckProcess();
            Assert.Equal(21, process.ExitCode);
        }

        static void CheckProcess()
        {
            using Process process = Run("exit 22");
            Assert.True(process.WaitForExit(s_patience));
            Assert.Equal(22, process.ExitCode);
        }
    }

    internal static Process Run(string script, bool input = false)
    {
        ProcessStartInfo info = Script(script);
        info.RedirectStandardInput = input;
        return Process.Start(info)!;
    }

    private static ProcessStartInfo Script(string script) => new("/bin/sh", ["-c", script]);
}
