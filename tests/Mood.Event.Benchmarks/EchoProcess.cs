using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Benchmarks;

/// <summary>A process that runs an echo server on one core. It ends at Dispose, or when this process ends.</summary>
internal sealed class EchoProcess : IDisposable
{
    private readonly Process _process;

    /// <param name="core">The only core it may use.</param>
    /// <param name="command">The server and its arguments.</param>
    internal EchoProcess(int core, params string[] command)
    {
        _process = Start(core, command);
        Port = int.Parse(_process.StandardOutput.ReadLine() ?? "", CultureInfo.InvariantCulture);
    }

    /// <summary>The port of the server on the loopback address.</summary>
    internal int Port { get; }

    /// <summary>The command of a server of this program.</summary>
    internal static string[] Serve(string name, int bufferSize = 16 * 1024) =>
        [Path.Combine(AppContext.BaseDirectory, "Mood.Event.Benchmarks"), "serve", name, bufferSize.ToString(CultureInfo.InvariantCulture)];

    /// <summary>Ends the server, by closing its standard input.</summary>
    public void Dispose()
    {
        _process.StandardInput.Close();

        if (!_process.WaitForExit(5000))
        {
            _process.Kill();
        }

        _process.Dispose();
    }

    /// <summary>Runs the load generator against the server.</summary>
    /// <param name="core">The load generator's own core.</param>
    /// <param name="connections">The number of connections.</param>
    /// <param name="seconds">How long the load is measured, after a third of a second to warm up.</param>
    internal EchoResult Load(int core, int connections, double seconds)
    {
        string[] arguments =
        [
            Path.Combine(Native.Directory, "load"),
            .. Array.ConvertAll<IFormattable, string>(
                [Port, _process.Id, connections, EchoBenchmark.MessageSize, 0.3, seconds],
                a => a.ToString(null, CultureInfo.InvariantCulture)),
        ];
        using Process load = Start(core, arguments);
        string line = load.StandardOutput.ReadToEnd();
        load.WaitForExit();

        if (load.ExitCode == 3)
        {
            throw new UnavailableException($"{connections} connections need more file descriptors than this process may have");
        }

        Measure.Expect(load.ExitCode == 0, $"the load generator failed with status {load.ExitCode}");
        double[] numbers = Array.ConvertAll(line.Split(' '), n => double.Parse(n, CultureInfo.InvariantCulture));
        Measure.Expect(numbers[5] == 0, $"{numbers[5]} of {connections} messages were lost by {_process.StartInfo.ArgumentList[^1]}");
        return new EchoResult(numbers[0], numbers[1], numbers[2], numbers[4]);
    }

    /// <summary>The number of system calls per message while the load generator runs against the server.</summary>
    internal double CountSystemCalls(int core, int connections)
    {
        Task load = Task.Run(() => Load(core, connections, seconds: 2));

        try
        {
            Thread.Sleep(500);
            (long calls, long messages) = SystemCalls.Count(_process.Id, seconds: 1);
            return (double)calls / messages;
        }
        finally
        {
            load.Wait();
        }
    }

    /// <summary>Runs TLS clients against the server.</summary>
    /// <returns>Microseconds of the server's processor time per round trip.</returns>
    internal double LoadWithTls(int core, int connections, double seconds)
    {
        string[] arguments =
        [
            Path.Combine(AppContext.BaseDirectory, "Mood.Event.Benchmarks"),
            TlsBenchmark.Command,
            .. Array.ConvertAll<IFormattable, string>(
                [Port, _process.Id, connections, seconds], a => a.ToString(null, CultureInfo.InvariantCulture)),
        ];
        using Process load = Start(core, arguments);
        string line = load.StandardOutput.ReadToEnd();
        load.WaitForExit();
        Measure.Expect(load.ExitCode == 0, $"the TLS clients failed with status {load.ExitCode}");
        return double.Parse(line, CultureInfo.InvariantCulture);
    }

    /// <summary>The resident memory of the server in bytes. A .NET server collects its garbage first.</summary>
    internal long Resident(bool isManaged)
    {
        if (isManaged)
        {
            _process.StandardInput.Write('g');
            _process.StandardInput.Flush();
            _ = _process.StandardOutput.ReadLine();
        }

        _process.Refresh();
        return _process.WorkingSet64;
    }

    private static Process Start(int core, string[] command)
    {
        var start = new ProcessStartInfo(Path.Combine(Native.Directory, "pin"))
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        start.ArgumentList.Add(core.ToString(CultureInfo.InvariantCulture));

        foreach (string argument in command)
        {
            start.ArgumentList.Add(argument);
        }

        return Process.Start(start)!;
    }
}

/// <summary>What the load generator measured.</summary>
/// <param name="Rate">Round trips per second.</param>
/// <param name="Median">The median time of a round trip, in microseconds.</param>
/// <param name="Percentile99">The 99th percentile of these times.</param>
/// <param name="ProcessorTime">The server's processor time per round trip, in microseconds.</param>
internal sealed record EchoResult(double Rate, double Median, double Percentile99, double ProcessorTime);
