using System;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>Registers loops in a service collection.</summary>
public static class LoopServiceCollectionExtensions
{
    /// <summary>
    /// Registers a <see cref="LoopThread"/> and its <see cref="Loop"/> as singletons. The host starts the loop before the hosted
    /// services that are added later, and ends it after them.
    /// </summary>
    /// <remarks>
    /// <para>Without a host, the loop starts when one of the two is resolved, and ends when the container is disposed.</para>
    /// <para>If logging is registered, exceptions of callbacks and slow callbacks are logged in the category "Mood.Event.Loop".
    /// When an exception leaves the loop's Start, it is logged as critical and the host stops.</para>
    /// <para>A second call without a name has no effect. Not thread-safe, like the service collection.</para>
    /// </remarks>
    /// <param name="services">The service collection.</param>
    /// <param name="configure">Called when the loop is created, to set its options. <see cref="LoopOptions.DisposeTimeout"/> is
    /// already set to 5 s then. The default, null, keeps the default options.</param>
    /// <returns>The service collection.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> is null.</exception>
    public static IServiceCollection AddLoop(this IServiceCollection services, Action<LoopOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);

        if (Has(services, null))
        {
            return services;
        }

        services.AddSingleton(provider => Create(provider, null, configure));
        services.AddSingleton(static provider => provider.GetRequiredService<LoopThread>().Loop);
        return services.AddSingleton<IHostedService>(
            static provider => new LoopHostedService(provider, provider.GetRequiredService<LoopThread>()));
    }

    /// <summary>Registers a named loop: a <see cref="LoopThread"/> and its <see cref="Loop"/> as keyed singletons with the name as
    /// the key. Otherwise it is like <see cref="AddLoop(IServiceCollection, Action{LoopOptions})"/>.</summary>
    /// <param name="services">The service collection.</param>
    /// <param name="name">The key, and the initial value of <see cref="LoopOptions.Name"/>. A second call with the same name has
    /// no effect.</param>
    /// <param name="configure">Called when the loop is created, to set its options. The default, null, keeps the default
    /// options.</param>
    /// <returns>The service collection.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="services"/> or <paramref name="name"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="name"/> is empty.</exception>
    public static IServiceCollection AddLoop(
        this IServiceCollection services, string name, Action<LoopOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentException.ThrowIfNullOrEmpty(name);

        if (Has(services, name))
        {
            return services;
        }

        services.AddKeyedSingleton(name, (provider, _) => Create(provider, name, configure));
        services.AddKeyedSingleton(name, static (provider, key) => provider.GetRequiredKeyedService<LoopThread>(key).Loop);
        return services.AddSingleton<IHostedService>(
            provider => new LoopHostedService(provider, provider.GetRequiredKeyedService<LoopThread>(name)));
    }

    private static bool Has(IServiceCollection services, string? name)
    {
        foreach (ServiceDescriptor service in services)
        {
            if (service.ServiceType == typeof(LoopThread) && Equals(service.ServiceKey, name))
            {
                return true;
            }
        }

        return false;
    }

    private static LoopThread Create(IServiceProvider provider, string? name, Action<LoopOptions>? configure)
    {
        var options = new LoopOptions { Name = name, DisposeTimeout = TimeSpan.FromSeconds(5) };
        configure?.Invoke(options);
        options.DisposeTimeout ??= TimeSpan.MaxValue; // with null, the container could not dispose the Loop on its own thread
        ILogger? logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Mood.Event.Loop");

        if (logger is null)
        {
            return new LoopThread(options); // exceptions are written to standard error
        }

        options.CallbackException += (sender, e) => Log.CallbackFailed(logger, NameOf(sender), e.ToString(), e.Exception);
        var thread = new LoopThread(options);
        thread.Failed += (_, e) => Log.LoopFailed(logger, NameOf(e.Loop), e.Exception);
        thread.Loop.SlowCallback += (sender, e) => Log.SlowCallback(logger, NameOf(sender), e.Method, e.Duration.TotalMilliseconds);
        thread.Loop.Blocked += (sender, e) => Log.Blocked(logger, NameOf(sender), e.Method, e.Duration.TotalMilliseconds);
        return thread;
    }

    private static string NameOf(object? loop) => (loop as Loop)?.Name ?? "loop";
}
