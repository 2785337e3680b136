using System;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Mood.Event;

namespace Microsoft.AspNetCore.Hosting;

/// <summary>Sets up Mood.Event loops as the transport of Kestrel.</summary>
public static class WebHostBuilderMoodEventExtensions
{
    /// <summary>Makes Kestrel use Mood.Event loops for its connections, instead of its own sockets transport.</summary>
    /// <remarks>
    /// <para>IP addresses, Unix domain sockets and inherited handles are served by the loops. Kestrel's other transports serve the
    /// other kinds of end points.</para>
    /// <para>An <see cref="IConnectionFactory"/> is registered too, if the services have none. It connects to IP addresses, host names
    /// and Unix domain sockets, and serves the connections with the same loops.</para>
    /// </remarks>
    /// <param name="builder">The builder of the web host.</param>
    /// <param name="configure">Sets the options. The default, null, keeps the default options.</param>
    /// <returns>The builder.</returns>
    /// <exception cref="ArgumentNullException"><paramref name="builder"/> is null.</exception>
    public static IWebHostBuilder UseMoodEvent(this IWebHostBuilder builder, Action<LoopTransportOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);
        return builder.ConfigureServices(services =>
        {
            services.TryAddSingleton<Workers>();

            // Kestrel asks the factories in reverse order, so it asks this one before the sockets transport.
            services.TryAddEnumerable(ServiceDescriptor.Singleton<IConnectionListenerFactory, ListenerFactory>());
            services.TryAddSingleton<IConnectionFactory, ConnectionFactory>();

            if (configure is not null)
            {
                services.Configure(configure);
            }
        });
    }
}
