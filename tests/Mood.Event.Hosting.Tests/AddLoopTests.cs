using System;
using System.Diagnostics;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mood.Event.Hosting.Tests;

/// <summary>AddLoop in a generic host, and in a service container without a host.</summary>
public sealed class AddLoopTests
{
    private const int Deadline = 30_000;

    [Fact(Timeout = Deadline)]
    public async Task The_loop_runs_and_ends_with_the_host()
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Services.AddLoop().AddLoop(o => o.Name = "ignored").AddLoop("second");
        using IHost host = builder.Build();
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        Loop second = host.Services.GetRequiredKeyedService<Loop>("second");
        Assert.Same(loop, host.Services.GetRequiredService<LoopThread>().Loop);
        Assert.NotSame(loop, second);
        Assert.Equal((null, "second"), (loop.Name, second.Name));
        Assert.True(await loop.InvokeAsync(() => loop.IsLoopThread));
        Assert.True(await second.InvokeAsync(() => second.IsLoopThread));
        await host.StopAsync();
        Assert.False(loop.TryPost(() => { }));
        Assert.False(second.TryPost(() => { }));
    }

    [Fact(Timeout = Deadline)]
    public async Task An_exception_of_a_callback_is_logged_and_the_loop_continues()
    {
        using var log = new LogOfTest();
        using IHost host = Build(log);
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        await loop.InvokeAsync(() => loop.Timer(0, 0, (_, _) => throw new FormatException("bad")).Start());
        await Until(() => log.Entries.Any(e => e.Level == LogLevel.Error && e.Exception is FormatException && e.Message.StartsWith(
            $"chat: the callback {nameof(AddLoopTests)}.{nameof(An_exception_of_a_callback_is_logged_and_the_loop_continues)}", StringComparison.Ordinal)));
        Assert.Equal(7, await loop.InvokeAsync(() => 7));
        await host.StopAsync();
    }

    [Theory(Timeout = Deadline)]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_loop_that_fails_stops_the_host_also_if_the_logger_throws(bool throws)
    {
        using var log = new LogOfTest { Throws = throws };
        using IHost host = Build(log);
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        loop.Post(() => loop.Timer(0, 0, [Fatal] (_, _) => throw new FormatException("bad")).Start());
        await host.WaitForShutdownAsync();
        Assert.Contains(log.Entries, e => e.Level == LogLevel.Critical && e.Exception is FormatException);
    }

    [Theory(Timeout = Deadline)]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_blocked_loop_delays_the_end_of_the_host_by_no_more_than_both_timeouts(bool isAsync)
    {
        using var log = new LogOfTest();
        using var release = new ManualResetEventSlim();
        IHost host = Build(log, s => s.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(0.5)));
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        loop.Post(release.Wait);
        var watch = Stopwatch.StartNew();
        await Record.ExceptionAsync(() => host.StopAsync());
        Assert.Contains(log.Entries, e => e.Message.Contains("did not end", StringComparison.Ordinal));

        if (isAsync)
        {
            await ((IAsyncDisposable)host).DisposeAsync();
        }
        else
        {
            host.Dispose();
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 15);
        release.Set();
        await Until(() => !loop.TryPost(() => { }));
    }

    [Fact(Timeout = Deadline)]
    public async Task The_warning_at_the_shutdown_names_the_callback_that_blocks()
    {
        using var log = new LogOfTest();
        using var first = new ManualResetEventSlim();
        using var release = new ManualResetEventSlim();
        IHost host = Build(
            log, s => s.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(0.5)), o => o.Blocked = TimeSpan.FromMilliseconds(20));
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        loop.Post(first.Wait);
        await Until(() => log.Entries.Any(e => e.Message.Contains("has blocked the loop", StringComparison.Ordinal)));
        first.Set();
        await loop.InvokeAsync(() => { });
        loop.Post(Block);
        await Until(() => log.Entries.Any(e => e.Message.Contains($"{nameof(Block)} has blocked the loop", StringComparison.Ordinal)));
        await Record.ExceptionAsync(() => host.StopAsync());
        Assert.Contains(log.Entries, e => e.Message.EndsWith($"{nameof(Block)} still runs", StringComparison.Ordinal));
        release.Set();
        await Until(() => !loop.TryPost(() => { }));
        host.Dispose();

        void Block() => release.Wait();
    }

    [Theory(Timeout = Deadline)]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(false, false)]
    public async Task A_container_without_a_host_ends_the_loop(bool isAsync, bool isStuck)
    {
        using var release = new ManualResetEventSlim();
        ServiceProvider container = new ServiceCollection()
            .AddLoop(o => o.DisposeTimeout = TimeSpan.FromSeconds(isStuck ? 0.3 : 20)).BuildServiceProvider();
        Loop loop = container.GetRequiredService<Loop>();
        await loop.InvokeAsync(() => { });

        if (isStuck)
        {
            loop.Post(release.Wait);
        }

        var watch = Stopwatch.StartNew();

        if (isAsync)
        {
            await container.DisposeAsync();
        }
        else
        {
            await Task.Run(container.Dispose);
        }

        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 10);
        release.Set();
        await Until(() => !loop.TryPost(() => { }));
    }

    [Fact(Timeout = Deadline)]
    public async Task A_container_ends_a_loop_whose_DisposeTimeout_is_null()
    {
        ServiceProvider container = new ServiceCollection().AddLoop(o => o.DisposeTimeout = null).BuildServiceProvider();
        Loop loop = container.GetRequiredService<Loop>();
        await Task.Run(container.Dispose);
        Assert.False(loop.TryPost(() => { }));
    }

    [Fact(Timeout = Deadline)]
    public async Task A_host_that_was_not_started_ends_the_loop()
    {
        IHost host = Build(new LogOfTest());
        Loop loop = host.Services.GetRequiredService<Loop>();
        await Task.Run(host.Dispose);
        Assert.False(loop.TryPost(() => { }));
    }

    [Fact(Timeout = Deadline)]
    public async Task The_health_check_says_how_late_the_loop_is()
    {
        using var release = new ManualResetEventSlim();
        using var thread = new LoopThread();
        var context = new HealthCheckContext();

        foreach (TimeSpan limit in new[] { TimeSpan.FromSeconds(20), TimeSpan.MaxValue, Timeout.InfiniteTimeSpan })
        {
            HealthCheckResult healthy = await new LoopHealthCheck(thread.Loop, limit).CheckHealthAsync(context);
            Assert.Equal(HealthStatus.Healthy, healthy.Status);
            Assert.InRange((double)healthy.Data["lag"], 0, 20);
        }

        thread.Loop.Post(release.Wait);
        HealthCheckResult late = await new LoopHealthCheck(thread.Loop, TimeSpan.FromSeconds(0.2)).CheckHealthAsync(context);
        Assert.Equal(HealthStatus.Unhealthy, late.Status);
        Assert.InRange((double)late.Data["lag"], 0.19, 20);
        release.Set();
        await thread.StopAsync();
        HealthCheckResult ended = await new LoopHealthCheck(thread.Loop).CheckHealthAsync(context);
        Assert.Equal(HealthStatus.Unhealthy, ended.Status);
        Assert.Throws<ArgumentOutOfRangeException>("maximumLag", () => new LoopHealthCheck(thread.Loop, TimeSpan.FromSeconds(-2)));
    }

    [Fact(Timeout = Deadline)]
    public async Task Slow_and_blocked_callbacks_are_logged()
    {
        using var log = new LogOfTest();
        using var release = new ManualResetEventSlim();
        using IHost host = Build(log, configureLoop: o =>
        {
            o.SlowCallback = TimeSpan.FromMilliseconds(20);
            o.Blocked = TimeSpan.FromMilliseconds(20);
        });
        await host.StartAsync();
        Loop loop = host.Services.GetRequiredService<Loop>();
        await loop.InvokeAsync(() => loop.Timer(0, 0, (_, _) => release.Wait()).Start());

        // The report comes while the callback still runs.
        await Until(() => log.Entries.Any(e => e.Level == LogLevel.Warning && Names(e.Message) && e.Message.Contains("still runs", StringComparison.Ordinal)));
        release.Set();
        await Until(() => log.Entries.Any(e => e.Level == LogLevel.Warning && Names(e.Message) && e.Message.Contains("took", StringComparison.Ordinal)));
        await host.StopAsync();

        static bool Names(string message) =>
            message.Contains("chat", StringComparison.Ordinal) && message.Contains(nameof(Slow_and_blocked_callbacks_are_logged), StringComparison.Ordinal);
    }

    private static IHost Build(LogOfTest log, Action<IServiceCollection>? configure = null, Action<LoopOptions>? configureLoop = null)
    {
        HostApplicationBuilder builder = Host.CreateApplicationBuilder();
        builder.Logging.ClearProviders().AddProvider(log);
        builder.Services.AddLoop(o =>
        {
            o.Name = "chat";
            o.DisposeTimeout = TimeSpan.FromSeconds(0.5);
            configureLoop?.Invoke(o);
        });
        configure?.Invoke(builder.Services);
        return builder.Build();
    }

    private static async Task Until(Func<bool> condition)
    {
        while (!condition())
        {
            await Task.Delay(10);
        }
    }
}
