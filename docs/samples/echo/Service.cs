using System;
using System.Linq;
using Mood.Event;

namespace Echo;

/// <summary>The server as a program, which a signal ends.</summary>
internal static class Service
{
    public static int Run(Loop loop, Options options)
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
        loop.Start(); // returns after Dispose has stopped the last watchers that keep the loop alive
        return 0;
    }
}
