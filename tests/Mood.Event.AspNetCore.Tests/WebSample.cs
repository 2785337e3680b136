using System;
using System.Diagnostics;
using System.IO;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>docs/samples/web, in a process of its own.</summary>
internal sealed class WebSample : IDisposable
{
    private const string Listening = "Now listening on: ";

    private readonly Process _process;

    private WebSample(Process process) => _process = process;

    public string Http { get; private set; } = "";

    public string Https { get; private set; } = "";

    public static async Task<WebSample> StartAsync()
    {
        string directory = Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory); // artifacts/bin/PROJECT/CONFIGURATION
        string program = Path.Combine(directory, "..", "..", "Web", Path.GetFileName(directory), "Web.dll");
        Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [program, "0", "0"]) { RedirectStandardOutput = true })!;
        var sample = new WebSample(process);

        try
        {
            sample.Http = await sample.AddressAsync();
            sample.Https = await sample.AddressAsync();
            return sample;
        }
        catch
        {
            sample.Dispose();
            throw;
        }
    }

    /// <summary>Ends the sample with SIGTERM, as a service manager does, and asserts that its exit code is 0.</summary>
    public async Task StopAsync()
    {
        using Process kill = Process.Start("sh", ["-c", $"kill -s TERM {_process.Id}"]);
        await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        Assert.Equal(0, _process.ExitCode);
    }

    public void Dispose()
    {
        _process.Kill();
        _process.Dispose();
    }

    // Reads the next address from Kestrel's log.
    private async Task<string> AddressAsync()
    {
        while (true)
        {
            string line = await _process.StandardOutput.ReadLineAsync() ?? throw new EndOfStreamException("The sample has ended.");
            int start = line.IndexOf(Listening, StringComparison.Ordinal);

            if (start >= 0)
            {
                return line[(start + Listening.Length)..].Trim();
            }
        }
    }
}
