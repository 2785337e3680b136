using System;
using System.Collections.Generic;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Whole processes: how a signal, an error or an exit ends them, and how other parts of .NET use the same signals.
/// </summary>
public sealed class ProcessTests
{
    // -- the end by a signal ------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("")]
    [InlineData("a+ b+ a- b-")]
    [InlineData("r+ a+ b+ a- b- r-")]
    [InlineData("r+ a+ b+ r- a- b-")]
    [InlineData("a+ r+ b+ r- b- a-")]
    [InlineData("a+ b+ r+ a- b- r-")]
    [InlineData("a+ b+ r+ r- b- a-")]
    [InlineData("r+ r- a+ b+ b- a-")]
    [InlineData("a+ b+ a- b- r+ r-")]
    [InlineData("a+ r+ r- b+ d")]
    public void A_signal_ends_the_process_when_no_watcher_and_no_registration_is_left(string steps)
    {
        Assert.All((int[])[Signum.SIGTERM, Signum.SIGUSR1], signum =>
            Assert.Equal((signum, ""), HostProcess.Run($"signal {signum} {steps}")));
    }

    [Theory]
    [InlineData("a+", "a 1 b 0 r 0")]
    [InlineData("a+ b+", "a 1 b 1 r 0")]
    [InlineData("a+ b+ b-", "a 1 b 0 r 0")]
    [InlineData("r+ a+", "a 1 b 0 r 1")]
    [InlineData("a+ r+", "a 1 b 0 r 1")]
    [InlineData("r+ a+ r-", "a 1 b 0 r 0")]
    [InlineData("b+ r+ a+ b- r-", "a 1 b 0 r 0")]
    public void The_process_survives_the_signal_while_one_watcher_is_active(string steps, string seen)
    {
        Assert.Equal(seen, HostProcess.Succeed($"signal {Signum.SIGTERM} {steps}"));
    }

    // -- other handlers of the signal ---------------------------------------------------------------------------------

    [Theory]
    [InlineData("before")]
    [InlineData("after")]
    public void The_generic_host_stops_and_the_watcher_sees_it_too(string when)
    {
        Assert.All((int[])[Signum.SIGTERM, Signum.SIGINT], signum =>
            Assert.Equal("seen 1, host stopped", HostProcess.Succeed($"hosting {signum} {when}")));
    }

    [Theory]
    [InlineData("before cancel")]
    [InlineData("after cancel")]
    [InlineData("before leave")]
    public void Console_CancelKeyPress_and_the_watcher_both_see_the_interrupt(string arguments)
    {
        Assert.Equal("seen 1, presses 1", HostProcess.Succeed($"cancel-key {arguments}"));
    }

    [Fact]
    public void An_earlier_CancelKeyPress_handler_that_does_not_cancel_ends_the_process()
    {
        Assert.Equal(Signum.SIGINT, HostProcess.Run("cancel-key after leave").Status);
    }

    [Fact]
    public void Faults_are_exceptions_while_every_signal_is_watched()
    {
        Match match = Regex.Match(HostProcess.Succeed("faults"), @"^watched (\d+), caught (\d+)$");
        Assert.True(match.Success);
        Assert.InRange(int.Parse(match.Groups[1].Value, null), 40, 64);
        Assert.Equal("102", match.Groups[2].Value);
    }

    [Fact]
    public void A_write_to_a_pipe_without_a_reader_fails_and_does_not_end_the_process()
    {
        Assert.Equal("32 32 32 32", HostProcess.Succeed("pipe"));
    }

    // -- children -----------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("p l p d p", 3)]
    [InlineData("l p w o d p", 5)]
    [InlineData("o p w d p", 5)]
    [InlineData("w d w d w", 6)]
    [InlineData("b l e d p", 2)]
    [InlineData("b o e w d b l o e d p", 7)]
    [InlineData("l b d e l o p d o d p", 5)]
    [InlineData("p o d l d o w b d e p", 7)]
    public void Processes_and_loops_come_in_any_order_in_a_fresh_process(string steps, int ended)
    {
        Assert.Equal($"ended {ended}", HostProcess.Succeed($"children {steps}"));
    }

    [Theory]
    [InlineData("default")]
    [InlineData("other")]
    public void Children_are_reaped_after_the_runtime_has_lost_its_handler_of_SIGCHLD(string loop)
    {
        Assert.Equal("reported 6, reaped 6, descriptors 0", HostProcess.Succeed($"lost-handler {loop}"));
    }

    [Fact]
    public void In_process_1_every_child_is_reported_and_children_of_Process_keep_their_exit_codes()
    {
        const string unshare = "unshare --user --map-root-user --pid --fork --mount-proc";

        if (Repository.TryRun("sh", "-c", unshare + " true").ExitCode != 0)
        {
            Console.WriteLine("This system allows no pid namespace: not tested as process 1.");
            return;
        }

        using var process = new HostProcess("first 20", unshare);
        (int status, string output) = process.WaitForEnd();
        Match match = Regex.Match(output.Trim(), @"^pid 1, reported (\d+), known \d+, processes (\d+)$");
        Assert.True(status == 0 && match.Success, output);
        Assert.Equal(("20", "20"), (match.Groups[1].Value, match.Groups[2].Value));
    }

    [Theory]
    [InlineData("same-pid", "same True, first 1 6, next 1 7")]
    [InlineData("same-pid-process", "same True, child 0 6, killed False, waits 6 6, alive 2")]
    public void A_watcher_whose_child_has_ended_has_nothing_to_do_with_another_child_with_the_same_pid(string scenario, string expected)
    {
        const string unshare = "unshare --user --map-root-user --pid --fork --mount-proc";

        if (Repository.TryRun("sh", "-c", unshare + " sh -c 'echo 100 >/proc/sys/kernel/ns_last_pid'").ExitCode != 0)
        {
            Console.WriteLine("This system allows no pid namespace, or no choice of pids in it: not tested with the same pid.");
            return;
        }

        using var process = new HostProcess(scenario, unshare);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, expected), (status, output.Trim()));
    }

    [Fact]
    public void A_watcher_of_pid_0_tells_two_children_with_the_same_pid_apart()
    {
        const string unshare = "unshare --user --map-root-user --pid --fork --mount-proc";

        if (Repository.TryRun("sh", "-c", unshare + " sh -c 'echo 100 >/proc/sys/kernel/ns_last_pid'").ExitCode != 0)
        {
            Console.WriteLine("This system allows no pid namespace, or no choice of pids in it: not tested with the same pid.");
            return;
        }

        // A shell is process 1 of the namespace, because the runtime as process 1 would reap every child at once.
        using var process = new HostProcess("same-pid-any", unshare + """ sh -c '"$0" "$@"; exit $?'""");
        (int status, string output) = process.WaitForEnd();
        Assert.True(status == 0 && output.Trim() is "same True, 0:6 0:7" or "same True, 0:-1 0:7", output); // before Linux 6.15 the code is lost
    }

    [Fact]
    public void In_a_pid_namespace_with_the_proc_of_another_one_the_ends_of_children_are_reported_correctly()
    {
        const string unshare = "unshare --user --map-root-user --pid --fork";

        if (Repository.TryRun("sh", "-c", unshare + " true").ExitCode != 0)
        {
            Console.WriteLine("This system allows no pid namespace: not tested with the /proc of another one.");
            return;
        }

        using var process = new HostProcess("any-child", unshare);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, "pid 1, ended 1, strangers 0, false False, killed True"), (status, output.Trim()));
    }

    // -- other ends ---------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData("callback")]
    [InlineData("thread")]
    [InlineData("main")]
    public void The_process_may_end_while_a_loop_runs(string who)
    {
        const int times = 20, atOnce = 4;

        for (int i = 0; i < times; i += atOnce)
        {
            List<HostProcess> processes = [.. Enumerable.Range(0, atOnce).Select(_ => new HostProcess($"exit {who}"))];
            Assert.All(processes, p => Assert.Equal((0, ""), p.WaitForEnd()));
            processes.ForEach(p => p.Dispose());
        }
    }

    [Theory]
    [InlineData("callback")]
    [InlineData("main")]
    public void The_process_may_end_while_loops_run_on_threads_of_their_own(string who)
    {
        const int times = 100, atOnce = 4;

        for (int i = 0; i < times; i += atOnce)
        {
            List<HostProcess> processes = [.. Enumerable.Range(0, atOnce).Select(_ => new HostProcess($"exit-loops {who}"))];
            Assert.All(processes, p => Assert.Equal((0, ""), p.WaitForEnd()));
            processes.ForEach(p => p.Dispose());
        }
    }

    [Fact]
    public void The_first_error_of_a_process_may_be_a_shortage_of_file_descriptors()
    {
        using var process = new HostProcess("shortage", "prlimit --nofile=300");
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, "errno 24, refused 1, stat True, calls 2, events 4"), (status, output.Trim()));
    }

    [Fact]
    public void An_unhandled_exception_ends_the_process_and_its_text_is_printed()
    {
        (int status, string output) = HostProcess.Run("unhandled");
        Assert.Equal(Signum.SIGABRT, status & 0x7f);
        Assert.Contains("Unhandled exception. System.InvalidTimeZoneException: this one is for everybody to see", output, StringComparison.Ordinal);
        Assert.Contains("FaultScenarios", output, StringComparison.Ordinal);
    }

    [Fact]
    public void A_process_without_standard_error_survives_the_exceptions_of_callbacks()
    {
        using var process = new HostProcess("reported", "sh -c 'exec \"$0\" \"$@\" 2>&-'");
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, "calls 3"), (status, output.Trim()));
    }

    // -- many signals -------------------------------------------------------------------------------------------------

    [Theory]
    [InlineData(100_000, LoopFlags.Auto)]
    [InlineData(20_000, LoopFlags.SignalFd)]
    [InlineData(20_000, LoopFlags.NoSigMask)]
    public void A_storm_of_signals_does_not_end_the_process_and_the_last_of_each_signal_is_delivered(int count, LoopFlags flags)
    {
        string output = HostProcess.Succeed($"storm {count} {flags}");
        Match match = Regex.Match(output, @"^all seen: (\d+) (\d+) (\d+)$");
        Assert.True(match.Success, output);

        // Most of so many signals are combined. Each signal has caused callbacks, but far fewer than the signals that were sent.
        Assert.All(match.Groups.Values.Skip(1), g => Assert.InRange(int.Parse(g.Value, null), 1, count / 6));
    }

    [Fact]
    public void The_latency_of_a_signal_is_measured()
    {
        string output = HostProcess.Succeed("latency 2000");
        Assert.Matches(@"^kill to callback, 2000 signals: median \d+ us, p99 \d+ us$", output);
        Console.WriteLine(output);
    }

    [Fact]
    public void A_loop_whose_thread_cannot_be_started_is_disposed() =>
        Assert.Equal("refused\nrefused\nrefused\nleft 0", HostProcess.Succeed("threads-refused", ThreadLimit.Command));
}
