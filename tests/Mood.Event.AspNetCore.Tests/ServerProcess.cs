using System;
using System.Diagnostics;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The server of <see cref="Program"/>, in a process of its own.</summary>
internal sealed class ServerProcess : IDisposable
{
    private readonly Process _process;

    private ServerProcess(Process process) => _process = process;

    public int Port { get; private set; }

    /// <param name="mode">The transport.</param>
    /// <param name="before">Shell commands that come before the command of the server, such as ulimit. The last one may be a program that
    /// executes the server.</param>
    public static async Task<ServerProcess> StartAsync(Mode mode, string before = "exec")
    {
        var server = new ServerProcess(Process.Start(new ProcessStartInfo(
            "sh", ["-c", $"{before} \"$@\"", "sh", Environment.ProcessPath!, typeof(ProcessTests).Assembly.Location, mode.ToString()])
        {
            RedirectStandardOutput = true,
        })!);

        try
        {
            server.Port = int.Parse(await server._process.StandardOutput.ReadLineAsync() ?? "", CultureInfo.InvariantCulture);
            return server;
        }
        catch
        {
            server.Dispose();
            throw;
        }
    }

    public async Task<RawClient> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, Port);
        return new RawClient(socket);
    }

    public async Task TerminateAsync()
    {
        // This is the kill of the shell, because the program kill is not installed everywhere.
        using Process kill = Process.Start("sh", ["-c", $"kill -s TERM {_process.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>Waits until the process has ended, asserts that its exit code is 0, and returns its output.</summary>
    public async Task<string> ToEndAsync()
    {
        string output = await _process.StandardOutput.ReadToEndAsync();
        await _process.WaitForExitAsync();
        Assert.Equal(0, _process.ExitCode);
        return output;
    }

    /// <summary>The resident memory, in bytes.</summary>
    public long Memory() => 1024 * long.Parse(
        File.ReadLines($"/proc/{_process.Id}/status").Single(l => l.StartsWith("VmRSS:", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[^2],
        CultureInfo.InvariantCulture);

    public void Dispose()
    {
        _process.Kill(entireProcessTree: true);
        _process.Dispose();
    }
}
