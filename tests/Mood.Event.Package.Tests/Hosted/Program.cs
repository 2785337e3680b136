using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Mood.Event;

// A generic host with a loop. Its service works on the loop, and then stops the host.
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
builder.Logging.ClearProviders(); // keeps standard output free for the result
builder.Services.AddLoop(options => options.Name = "packed");
builder.Services.AddHostedService<Work>();
await builder.Build().RunAsync();
Console.WriteLine("done");

internal sealed class Work(Loop loop, IHostApplicationLifetime lifetime) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await loop.InvokeAsync(async () =>
        {
            await loop.Delay(0.01, stoppingToken);
            Console.WriteLine($"{loop.Name}: {loop.IsLoopThread}");
        });
        lifetime.StopApplication();
    }
}
