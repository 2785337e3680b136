using System;
using System.Diagnostics;
using System.Globalization;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Hosting.Tests;

/// <summary>A signal ends a process with a host and a loop.</summary>
public sealed class ProcessTests
{
    private const int Deadline = 60_000;

    [Theory(Timeout = Deadline)]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task At_a_signal_the_services_end_before_the_loop(string signal) =>
        Assert.Equal("cleaned up: True\ndone\n", await EndAsync("polite", signal));

    [Theory(Timeout = Deadline)]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_loop_and_its_host_both_see_the_signal(string signal)
    {
        string output = await EndAsync("watches", signal);
        Assert.Contains("the loop has seen it\n", output, StringComparison.Ordinal);
        Assert.EndsWith("cleaned up: True\ndone\n", output, StringComparison.Ordinal);
    }

    [Theory(Timeout = Deadline)]
    [InlineData("INT")]
    [InlineData("TERM")]
    public async Task A_blocked_loop_does_not_keep_the_process_from_ending(string signal)
    {
        var watch = Stopwatch.StartNew();
        Assert.EndsWith("done\n", await EndAsync("stuck", signal), StringComparison.Ordinal);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 30);
    }

    private static async Task<string> EndAsync(string scenario, string signal)
    {
        var start = new ProcessStartInfo(Environment.ProcessPath!, [typeof(ProcessTests).Assembly.Location, scenario])
        {
            RedirectStandardOutput = true,
        };
        using Process process = Process.Start(start)!;
        using var patience = new CancellationTokenSource(Deadline / 2);

        try
        {
            Assert.Equal("ready", await process.StandardOutput.ReadLineAsync(patience.Token));

            if (scenario == "stuck")
            {
                await Task.Delay(500, patience.Token);
            }

            using Process kill = Process.Start("kill", ["-s", signal, process.Id.ToString(CultureInfo.InvariantCulture)]);
            await kill.WaitForExitAsync(patience.Token);
            string output = await process.StandardOutput.ReadToEndAsync(patience.Token);
            await process.WaitForExitAsync(patience.Token);
            Assert.Equal(7, process.ExitCode);
            return output;
        }
        finally
        {
            process.Kill();
        }
    }
}
