using System;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Xunit;

namespace Mood.Event.Hosting.Tests;

/// <summary>The code of docs/guide/hosting.md.</summary>
public sealed class HostingGuide
{
    private static readonly TaskCompletionSource<string> s_said = new();

    [Fact(Timeout = 30_000)]
    public async Task A_service_works_on_the_loop()
    {
        await Task.Run(() => RunHost([]));
        Assert.Equal("clock: tick", await s_said.Task);
    }

    private static void RunHost(string[] args)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
        builder.Services.AddLoop(options =>
        {
            options.Name = "clock";
            options.SlowCallback = TimeSpan.FromMilliseconds(50);
            options.Blocked = TimeSpan.FromSeconds(2);
        });
        builder.Services.AddHostedService<Clock>();
        builder.Services.AddHostedService<Stopper>();

        builder.Build().Run(); // until Ctrl-C or SIGTERM
    }

    [Fact(Timeout = 30_000)]
    public async Task Several_loops()
    {
        var services = new ServiceCollection();
        services.AddLoop("front");
        services.AddLoop("back");
        services.AddSingleton<Router>();
        await using ServiceProvider provider = services.BuildServiceProvider();
        Assert.Equal(("front", "back"), provider.GetRequiredService<Router>().Names);
    }

    [Fact(Timeout = 30_000)]
    public async Task Health()
    {
        var services = new ServiceCollection();
        services.AddLoop();
        services.AddSingleton<IHealthCheck, LoopHealthCheck>();
        await using ServiceProvider provider = services.BuildServiceProvider();
        IHealthCheck check = provider.GetRequiredService<IHealthCheck>();
        HealthCheckResult result = await check.CheckHealthAsync(new HealthCheckContext());
        Assert.True(result.Data.ContainsKey("lag"), result.Description);
    }

    /// <summary>Stands for the console.</summary>
    private static class Console
    {
        public static void WriteLine(string line) => s_said.TrySetResult(line);
    }

    [SuppressMessage("Performance", "CA1812", Justification = "The container makes it.")]
    private sealed class Stopper(IHostApplicationLifetime lifetime) : BackgroundService
    {
        protected override async Task ExecuteAsync(CancellationToken stoppingToken)
        {
            await s_said.Task;
            lifetime.StopApplication();
        }
    }

    [SuppressMessage("Performance", "CA1812", Justification = "The container makes it.")]
    internal sealed class Clock(Loop loop) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.InvokeAsync(async () =>
        {
            using Timer timer = loop.Timer(0, 1, (_, _) => Console.WriteLine($"{loop.Name}: tick"));
            timer.Start();
            await loop.Delay(Timeout.InfiniteTimeSpan, stoppingToken); // until the host stops
        });
    }

    [SuppressMessage("Performance", "CA1812", Justification = "The container makes it.")]
    internal sealed class Router([FromKeyedServices("front")] Loop front, [FromKeyedServices("back")] Loop back)
    {
        public (string?, string?) Names => (front.Name, back.Name);
    }
}
