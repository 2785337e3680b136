using System;
using System.Globalization;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Mood.Event.Host running one scenario: a child that System.Diagnostics.Process knows nothing of, so that its wait status
/// can be seen.
/// </summary>
internal sealed class HostProcess : IDisposable
{
    private const double Patience = 60;

    private static readonly string s_dotnet = Environment.ProcessPath!;
    private static readonly string s_program = Path.Combine(AppContext.BaseDirectory, "host", "Mood.Event.Host.dll");

    private readonly string _output = Path.GetTempFileName();
    private readonly string _scenario;
    private readonly int _pid;

    /// <param name="scenario">What it runs, with its arguments.</param>
    /// <param name="wrapper">A command that runs it.</param>
    internal HostProcess(string scenario, string wrapper = "")
    {
        Assert.True(File.Exists(s_program), s_program);
        _scenario = scenario;
        _pid = Posix.Spawn($"ulimit -c 0; exec {wrapper} '{s_dotnet}' '{s_program}' {scenario} >'{_output}' 2>&1 </dev/null");
    }

    /// <summary>Runs it to its end.</summary>
    internal static (int Status, string Output) Run(string scenario)
    {
        using var process = new HostProcess(scenario);
        return process.WaitForEnd();
    }

    /// <summary>Runs it to its end, which must be a return of 0; what it has written.</summary>
    internal static string Succeed(string scenario)
    {
        (int status, string output) = Run(scenario);
        Assert.True(status == 0, string.Create(CultureInfo.InvariantCulture, $"{scenario}: wait status {status}\n{output}"));
        return output.Trim();
    }

    /// <summary>Its raw wait status, and what it has written.</summary>
    internal (int Status, string Output) WaitForEnd()
    {
        int status = 0;

        if (!Posix.Until(() => Posix.Wait(_pid, out status, Posix.WNOHANG) == _pid, Patience))
        {
            Posix.Kill(_pid, Signum.SIGKILL);
            Posix.Wait(_pid, out _);
            Assert.Fail($"{_scenario}: it hangs.\n{File.ReadAllText(_output)}");
        }

        return (status, File.ReadAllText(_output));
    }

    public void Dispose() => File.Delete(_output);
}
