using System.Globalization;
using System.Text.RegularExpressions;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Signals and the ends of children reach their watchers while all threads of the thread pool are blocked and the pool may not
/// add one.
/// </summary>
public sealed class BusyPoolTests
{
    private const int Limit = 100; // milliseconds

    [Fact]
    public void Signals_arrive_without_a_free_pool_thread_and_the_default_action_does_not_change()
    {
        int[] signums =
        [
            Signum.SIGHUP, Signum.SIGUSR1, Signum.SIGUSR2, Signum.SIGALRM, Signum.SIGWINCH, Signum.SIGCONT, Signum.SIGCHLD,
            Signum.SIGTSTP, Signum.SIGTTOU, Signum.SIGURG, Signum.SIGINT, Signum.SIGQUIT, Signum.SIGTERM, 40, Signum.SIGRTMAX,
        ];
        (int status, string output) = HostProcess.Run("busy-signals " + string.Join(' ', signums));
        AssertInTime(output.Trim());
        Assert.Equal(Signum.SIGHUP, status);
    }

    [Theory]
    [InlineData(1)] // HUP
    [InlineData(10)] // USR1
    [InlineData(40)]
    public void A_signal_before_the_stop_has_no_default_action_and_a_signal_after_it_has(int signum)
    {
        Assert.Equal((signum, "lives\n"), HostProcess.Run(string.Create(CultureInfo.InvariantCulture, $"busy-signal-after-stop {signum}")));
    }

    [Fact]
    public void The_end_of_a_child_is_reported_at_once_and_the_child_is_reaped_when_the_pool_is_free()
    {
        string[] lines = HostProcess.Succeed("busy-children pidfd").Split('\n');
        AssertInTime(lines[0]);
        Assert.Equal(["reaped", "processes 5"], lines[1..]);
    }

    [Fact]
    public void The_end_of_a_child_is_reported_without_a_pidfd_too()
    {
        using var process = new HostProcess("busy-children no-fd", "prlimit --nofile=300");
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        string[] lines = output.Trim().Split('\n');
        AssertInTime(lines[0]);
        Assert.Equal(["reaped", "processes 5"], lines[1..]);
    }

    [Theory]
    [InlineData("system")]
    [InlineData("manual")] // without a tick of a clock
    public void A_child_that_is_watched_again_before_it_is_reaped_is_reaped_once(string clock)
    {
        Assert.Equal(
            ["code 3, pidfds 1", "code 3, pidfds 1", "zombie", "reaped"],
            HostProcess.Succeed("busy-child-twice " + clock).Split('\n'));
    }

    [Theory]
    [InlineData("alone")]
    [InlineData("embedded")] // the timers of an embedded loop do not run
    public void Jobs_that_block_all_pool_threads_may_wait_for_children_that_the_loop_reports(string how)
    {
        Assert.StartsWith("ended 40", HostProcess.Succeed("busy-jobs " + how), System.StringComparison.Ordinal);
    }

    // The timers of an embedded loop do not run.
    [Theory]
    [MemberData(nameof(LoopTestBase.AllBackends), MemberType = typeof(LoopTestBase))]
    public void A_child_whose_end_is_known_when_its_loop_is_embedded_is_reported(Backends backend)
    {
        Assert.Equal("code 3", HostProcess.Succeed("busy-child-embed " + backend));
    }

    private static void AssertInTime(string output)
    {
        Match match = Regex.Match(output, @"^median (\d+) ms, wrong 0$");
        Assert.True(match.Success, output);
        Assert.InRange(int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture), 0, Limit);
    }
}
