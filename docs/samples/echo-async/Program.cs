using System;
using System.CommandLine;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
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
            return options.SelfTest ? new SelfTest(loop, options).Run() : loop.Run(() => ServeAsync(loop, options));
        }
        catch (Exception e) when (e is EventException or PlatformNotSupportedException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"echo: {e.Message}");
            return 1;
        }
    }

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
