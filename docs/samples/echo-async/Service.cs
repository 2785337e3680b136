using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>The server as a program, which SIGINT or SIGTERM ends. A second one ends it at once.</summary>
internal static class Service
{
    public static int Run(Loop loop, Options options)
    {
        loop.Run(stop => ServeAsync(loop, options, stop));
        return 0;
    }

    private static async Task ServeAsync(Loop loop, Options options, CancellationToken stop)
    {
        using IServer server = options.Loops == 1 ? new Server(loop, options) : new ServerGroup(options);
        using var statistics = new Statistics(loop, server);
        Console.WriteLine($"echo server on {server.EndPoint}, backend {loop.Backend}, loops {options.Loops}, process {Environment.ProcessId}");

        try
        {
            await loop.Delay(Timeout.InfiniteTimeSpan, stop);
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"stopping: closing {string.Join(" + ", server.Totals.Select(t => t.Connections))} connections");
        }

        if (server is Server single)
        {
            await single.StopAsync();
        }
    }
}
