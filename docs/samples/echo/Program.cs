using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// The server as a program. SIGINT or SIGTERM ends it: every connection gets the answers to the bytes that were read, and five seconds to
/// read them. A second signal ends it at once. In both cases the last line says how the connections ended.
/// </summary>
internal static class Program
{
    private static int Main(string[] args) => Options.Parse(args, Run);

    private static int Run(Options options)
    {
        try
        {
            return options.SelfTest ? SelfTest.Run(options) : Serve(options);
        }
        catch (Exception e) when (e is EventException or PlatformNotSupportedException or SocketException)
        {
            Console.Error.WriteLine($"echo: {e.Message}");
            return 1;
        }
    }

    private static int Serve(Options options)
    {
        Totals sum;

        using (var loop = new Loop(backends: options.Backend))
        using (var servers = new Servers(loop, options))
        {
            sum = servers.Totals;
            loop.Run(stop => ServeAsync(loop, servers, options, stop));
        }

        // all loops are disposed, so no connection is left
        Console.WriteLine(
            $"stopped: {sum.Accepted} connections accepted, {sum.Closed} closed, {sum.Cut} cut, {sum.Broken} reset by the client; " +
            $"{sum.In} bytes read, {sum.Out} answered, {sum.Late} came too late");
        return 0;
    }

    private static async Task ServeAsync(Loop loop, Servers servers, Options options, CancellationToken stop)
    {
        Console.WriteLine(
            $"echo server on {servers.Start(stop)}, backend {loop.Backend}, loops {options.Loops}, process {Environment.ProcessId}");

        try
        {
            for (long read = 0; ; read = Volatile.Read(ref servers.Totals.In))
            {
                await loop.Delay(1, stop);
                Console.WriteLine($"{servers.Connections} connections, {Volatile.Read(ref servers.Totals.In) - read} bytes/s");
            }
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine($"stopping: closing {servers.Connections} connections");
            await servers.StopAsync();
        }
    }
}
