using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mood.Event.Hosting.Tests;

/// <summary>A program with a host. <see cref="ProcessTests"/> run it and end it with a signal.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders();
        builder.Services.AddLoop(o => o.DisposeTimeout = TimeSpan.FromSeconds(0.5));
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(args[0] == "stuck" ? 1 : 30));
        builder.Services.AddHostedService(p => new Work(
            args[0], p.GetRequiredService<Loop>(), p.GetRequiredService<IHostApplicationLifetime>()));

        try
        {
            await builder.Build().RunAsync();
        }
        catch (OperationCanceledException)
        {
            Console.WriteLine("not all has ended"); // the host throws this exception when its timeout is over
        }

        Console.WriteLine("done");
        return 7;
    }

    private sealed class Work(string scenario, Loop loop, IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.InvokeAsync(async () =>
        {
            if (scenario == "watches")
            {
                // The loop sees the signals that the host handles too.
                loop.Signal(Signum.SIGTERM, (_, _) => Console.WriteLine("the loop has seen it")).Start();
                loop.Signal(Signum.SIGINT, (_, _) => Console.WriteLine("the loop has seen it")).Start();
            }

            lifetime.ApplicationStarted.Register(() => Console.WriteLine("ready"));

            if (scenario == "stuck")
            {
                await loop.Delay(0.05);
                Thread.Sleep(Timeout.Infinite);
            }

            try
            {
                await loop.Delay(1000, stoppingToken);
            }
            catch (OperationCanceledException)
            {
                await loop.Delay(0.1); // needs the loop, which still runs while the services stop
                Console.WriteLine($"cleaned up: {loop.IsLoopThread}");
            }
        });
    }
}
