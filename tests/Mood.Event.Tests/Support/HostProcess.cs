using System;
using System.Globalization;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A process that runs one scenario of Mood.Event.Host. The runtime does not know this child, so the test can read its raw
/// wait status.
/// </summary>
internal sealed class HostProcess : IDisposable
{
    private const double Patience = 60;

    private static readonly string s_dotnet = Environment.ProcessPath!;
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "host", "Mood.Event.Host.dll");

    private readonly string _output = Path.GetTempFileName();
    private readonly string _scenario;
    private readonly int _pid;
    private bool _ended;

    /// <summary>Starts the process.</summary>
    /// <param name="scenario">The scenario with its arguments.</param>
    /// <param name="wrapper">A command that starts the host, such as unshare.</param>
    internal HostProcess(string scenario, string wrapper = "")
    {
        Assert.True(File.Exists(s_program), s_program);
        _scenario = scenario;
        _pid = Posix.Spawn($"ulimit -c 0; exec {wrapper} '{s_dotnet}' '{s_program}' {scenario} >'{_output}' 2>&1 </dev/null");
    }

    /// <summary>The output of the process so far.</summary>
    internal string Output => File.ReadAllText(_output);

    /// <summary>Runs a scenario until the process ends, and returns the raw wait status and the output.</summary>
    internal static (int Status, string Output) Run(string scenario, string wrapper = "")
    {
        using var process = new HostProcess(scenario, wrapper);
        return process.WaitForEnd();
    }

    /// <summary>Runs a scenario until the process ends, asserts that the exit code is 0, and returns the output.</summary>
    internal static string Succeed(string scenario, string wrapper = "")
    {
        (int status, string output) = Run(scenario, wrapper);
        Assert.True(status == 0, string.Create(CultureInfo.InvariantCulture, $"{scenario}: wait status {status}\n{output}"));
        return output.Trim();
    }

    /// <summary>Sends the process a signal.</summary>
    internal void Kill(int signum) => Posix.Kill(_pid, signum);

    /// <summary>Waits until the process ends, and returns the raw wait status and the output.</summary>
    internal (int Status, string Output) WaitForEnd()
    {
        int status = 0;

        if (!Posix.Until(() => Posix.Wait(_pid, out status, Posix.WNOHANG) == _pid, Patience))
        {
            Assert.Fail($"{_scenario}: the process did not end in {Patience} seconds. It has written:\n{Output}");
        }

        _ended = true;
        return (status, Output);
    }

    public void Dispose()
    {
        if (!_ended)
        {
            Kill(Signum.SIGKILL);
            Posix.Wait(_pid, out _);
        }

        File.Delete(_output);
    }
}
