using System;
using System.CommandLine;
using Mood.Event;

namespace Echo;

internal static class Program
{
    private static int Main(string[] args) =>
        Options.CommandLine(Run).Parse(args).Invoke(new InvocationConfiguration
        {
            ProcessTerminationTimeout = null, // the loop handles SIGINT and SIGTERM
        });

    private static int Run(Options options)
    {
        _ = Console.Out; // opens the console now, because the message "no file descriptors left" must not need a file descriptor

        try
        {
            using var loop = new Loop(backends: options.Backend);
            return options.SelfTest ? new SelfTest(loop, options).Run() : Service.Run(loop, options);
        }
        catch (Exception e) when (e is EventException or PlatformNotSupportedException or System.Net.Sockets.SocketException)
        {
            Console.Error.WriteLine($"echo: {e.Message}");
            return 1;
        }
    }
}
