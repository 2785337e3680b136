using System;
using System.Globalization;
using System.Linq;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Processes that were started with signals blocked or ignored, as daemons, scripts and native hosts start them.
/// </summary>
public sealed class SignalMaskTests
{
    [Fact]
    public void The_end_of_a_child_is_reported_if_SIGCHLD_was_ignored_at_the_process_s_start()
    {
        string output = Succeed("masked-child", "env --ignore-signal=CHLD");
        Assert.Equal(NativeTesting.TellsReapedStatus ? "own 6\nprocess 3" : "own gone\nprocess gone", output);
    }

    [Fact]
    public void Start_refuses_a_child_with_trace_while_SIGCHLD_is_ignored_or_blocked()
    {
        Assert.Contains("SIGCHLD was ignored", Succeed("masked-child trace", "env --ignore-signal=CHLD"), StringComparison.Ordinal);
        Assert.Contains("every thread of the process blocks it", Succeed("masked-child trace", "env --block-signal=CHLD"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("CHLD")]
    [InlineData("RTMAX")]
    public void The_end_of_a_child_is_reported_if_a_signal_was_blocked_at_the_process_s_start(string signal)
    {
        Assert.Equal("own 6\nprocess 3", Succeed("masked-child", "env --block-signal=" + signal));
    }

    [Fact]
    public void The_end_of_a_child_is_reported_if_every_signal_was_blocked_at_the_process_s_start()
    {
        Assert.Equal("own 6\nprocess 3", Succeed("masked-child", "env --block-signal"));
    }

    [Fact]
    public void Start_refuses_a_signal_that_every_thread_blocks()
    {
        string[] lines = Succeed("masked-signal 10 1", "env --block-signal=USR1").Split('\n');
        Assert.Contains("Signal SIGUSR1 (10) cannot arrive", lines[0], StringComparison.Ordinal);
        Assert.Equal("1: 1", lines[1]);
        AssertStops(lines[^1]);
    }

    [Fact]
    public void Stop_is_quick_if_other_signals_are_blocked()
    {
        AssertStops(Succeed("masked-signal 10 12", "env --block-signal=RTMAX").Split('\n')[^1]);
    }

    [Fact]
    public void Children_and_signals_are_reported_if_the_kernel_queues_no_signals()
    {
        // The kernel then refuses to queue real-time signals, and delivers the others without information about their sender.
        const string Wrapper = "prlimit --sigpending=0:0";
        Assert.Equal("own 6\nprocess 3", Succeed("masked-child", Wrapper));
        string[] lines = Succeed("masked-signal 10 12 17", Wrapper).Split('\n');
        Assert.Equal(["10: 1", "12: 1", "17: 1"], lines[..^1]);
        AssertStops(lines[^1]);
    }

    [Fact]
    public void A_signal_that_was_ignored_at_the_process_s_start_stays_ignored_except_SIGTERM()
    {
        int[] signums = [Signum.SIGHUP, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGUSR1, Signum.SIGUSR2, Signum.SIGALRM, Signum.SIGTSTP, Signum.SIGTERM];
        string[] lines = Succeed("masked-signal " + string.Join(' ', signums), "env --ignore-signal").Split('\n');
        Assert.Equal(
            signums.Select(n => string.Create(CultureInfo.InvariantCulture, $"{n}: {(n == Signum.SIGTERM ? 1 : 0)}")),
            lines[..^1]);
        AssertStops(lines[^1]);
    }

    private static void AssertStops(string line)
    {
        Match match = Regex.Match(line, @"^longest stop (\d+) ms$");
        Assert.True(match.Success, line);
        Assert.InRange(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 0, 500);
    }

    private static string Succeed(string scenario, string wrapper)
    {
        using var process = new HostProcess(scenario, wrapper);
        (int status, string output) = process.WaitForEnd();
        Assert.True(status == 0, output);
        return output.Trim();
    }
}
