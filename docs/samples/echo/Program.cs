using System;
using System.CommandLine;
using System.Linq;
using Mood.Event;

namespace Echo;

internal static class Program
{
    private static int Main(string[] args) =>
        Options.CommandLine(Run).Parse(args).Invoke(new InvocationConfiguration
        {
            ProcessTerminationTimeout = null, // SIGINT and SIGTERM are the loop's
        });

    private static int Run(Options options)
    {
        _ = Console.Out; // opened now: a message that there are no file descriptors left must not want one

        try
        {
            using var loop = new Loop(backends: options.Backend);
            return options.SelfTest ? new SelfTest(loop, options).Run() : Serve(loop, options);
        }
        catch (Exception e) when (e is EventException or PlatformNotSupportedException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"echo: {e.Message}");
            return 1;
        }
    }

    private static int Serve(Loop loop, Options options)
    {
        IServer server = options.Loops == 1 ? new Server(loop, options) : new ServerGroup(options);
        using var statistics = new Statistics(loop, server);
        using var stop = new StopSignals(loop, signum =>
        {
            Console.WriteLine($"signal {signum}: closing {string.Join(" + ", server.Totals.Select(t => t.Connections))} connections");
            statistics.Dispose();
            server.Dispose();
        });

        Console.WriteLine($"echo server on {server.EndPoint}, backend {loop.Backend}, loops {options.Loops}, process {Environment.ProcessId}");
        loop.Start(); // returns once Dispose has stopped the last watchers that keep the loop alive
        return 0;
    }
}
