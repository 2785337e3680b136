using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Whole programs in which a stop signal ends a Run with a token.</summary>
public sealed class RunTests
{
    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public void One_signal_ends_a_program_that_uses_the_token(int signum)
    {
        using HostProcess process = Start("run obedient 30");
        process.Kill(signum);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, "ready\nreturned\n"), (status, output));
    }

    [Fact]
    public void Functions_that_have_not_ended_at_the_timeout_are_named_in_one_line()
    {
        using HostProcess process = Start("run stubborn 0.2");
        process.Kill(Signum.SIGTERM);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        Assert.Equal(
            "ready\ncancelled\nMood.Event: Run returns, but these functions have not ended: RunScenarios.Run (lambda) (main), "
            + "RunScenarios.BeStubbornAsync (lambda) (49 times)\nreturned\n",
            output);
    }

    [Fact]
    public void A_second_signal_ends_Run_at_once()
    {
        using HostProcess process = Start("run stubborn 60");
        process.Kill(Signum.SIGINT);
        Wait(process, "cancelled\n");
        Thread.Sleep(200); // within 50 ms the second signal would count as the same stop
        var time = Stopwatch.StartNew();
        process.Kill(Signum.SIGINT);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        Assert.Contains("have not ended: ", output, StringComparison.Ordinal);
        Assert.EndsWith("returned\n", output, StringComparison.Ordinal);
        Assert.InRange(time.Elapsed.TotalSeconds, 0, 20);
    }

    [Fact]
    public void An_exception_of_a_callback_of_the_token_is_reported_and_the_result_is_not_lost()
    {
        using HostProcess process = Start("run throwing 30");
        process.Kill(Signum.SIGINT);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        Assert.Contains("InvalidTimeZoneException: of the token", output, StringComparison.Ordinal);
        Assert.EndsWith("result 42\nreturned\n", output, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(2)]
    [InlineData(15)]
    public void A_second_signal_during_a_callback_of_the_token_ends_Run_and_not_the_process(int second)
    {
        using HostProcess process = Start("run slow 60");
        process.Kill(Signum.SIGINT);
        Wait(process, "cancelled\n");
        Thread.Sleep(200); // within 50 ms the second signal would count as the same stop
        process.Kill(second);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        Assert.Contains("slow callback ends\n", output, StringComparison.Ordinal);
        Assert.Contains("have not ended: ", output, StringComparison.Ordinal);
        Assert.EndsWith("returned\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void The_same_signal_twice_at_once_counts_as_one_stop()
    {
        using HostProcess process = Start("run obedient 60");
        process.Kill(Signum.SIGTERM);
        Thread.Sleep(15);
        process.Kill(Signum.SIGTERM);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal((0, "ready\nreturned\n"), (status, output));
    }

    [Fact]
    public void Two_different_signals_at_once_end_Run_at_once()
    {
        using HostProcess process = Start("run stubborn 60");
        process.Kill(Signum.SIGINT);
        process.Kill(Signum.SIGTERM);
        (int status, string output) = process.WaitForEnd();
        Assert.Equal(0, status);
        Assert.Contains("have not ended: ", output, StringComparison.Ordinal);
        Assert.EndsWith("returned\n", output, StringComparison.Ordinal);
    }

    [Fact]
    public void After_Run_the_signal_has_its_default_action_again()
    {
        using HostProcess process = Start("run after 30");
        process.Kill(Signum.SIGINT);
        Assert.Equal(Signum.SIGINT, process.WaitForEnd().Status);
    }

    private static HostProcess Start(string scenario)
    {
        var process = new HostProcess(scenario, "env --default-signal=INT"); // a shell makes a background job ignore SIGINT
        Wait(process, "ready\n");
        return process;
    }

    private static void Wait(HostProcess process, string text) => Assert.True(
        Posix.Until(() => process.Output.Contains(text, StringComparison.Ordinal), seconds: 30),
        string.Create(CultureInfo.InvariantCulture, $"no {text}: {process.Output}"));
}
