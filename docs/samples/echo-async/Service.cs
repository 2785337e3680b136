using System;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>The server as a program: until a signal ends it.</summary>
internal static class Service
{
    public static int Run(Loop loop, Options options) => loop.Run(() => ServeAsync(loop, options));

    private static async Task<int> ServeAsync(Loop loop, Options options)
    {
        using IServer server = options.Loops == 1 ? new Server(loop, options) : new ServerGroup(options);
        using var statistics = new Statistics(loop, server);
        Console.WriteLine($"echo server on {server.EndPoint}, backend {loop.Backend}, loops {options.Loops}, process {Environment.ProcessId}");

        using var stop = new CancellationTokenSource();
        Task<int> interrupt = NextAsync(Signum.SIGINT), terminate = NextAsync(Signum.SIGTERM);
        int signum = await await Task.WhenAny(interrupt, terminate);
        await stop.CancelAsync();
        Console.WriteLine($"signal {signum}: closing {string.Join(" + ", server.Totals.Select(t => t.Connections))} connections");
        return 0;

        async Task<int> NextAsync(int signum)
        {
            await foreach (int came in loop.Signals(signum, stop.Token))
            {
                return came;
            }

            return 0;
        }
    }
}
