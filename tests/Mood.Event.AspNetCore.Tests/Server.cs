using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Net.Http;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A real server on a transport, with the handlers of <see cref="Handlers"/>.</summary>
internal sealed class Server : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Server(WebApplication app, LogOfTest log) => (_app, Log) = (app, log);

    public LogOfTest Log { get; }

    public IServiceProvider Services => _app.Services;

    public Uri[] Addresses => [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Select(a => new Uri(a))];

    public IPEndPoint EndPoint => new(Addresses[0].HostNameType == UriHostNameType.IPv6 ? IPAddress.IPv6Loopback : IPAddress.Loopback, Addresses[0].Port);

    /// <param name="mode">The transport.</param>
    /// <param name="listen">Opens the end points. If null, the server listens on a free port of the loopback address for HTTP/1.1.</param>
    /// <param name="transport">Changes the options of the loops.</param>
    /// <param name="map">Adds handlers.</param>
    public static async Task<Server> StartAsync(
        Mode mode, Action<KestrelServerOptions>? listen = null, Action<LoopTransportOptions>? transport = null, Action<WebApplication>? map = null)
    {
        var log = new LogOfTest();
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Logging.SetMinimumLevel(LogLevel.Debug).AddProvider(log);
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(10));
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;
            o.Limits.MinRequestBodyDataRate = null;
            o.Limits.MinResponseDataRate = null;
            (listen ?? (o => o.Listen(IPAddress.Loopback, 0)))(o);
        });
        Use(builder.WebHost, mode, transport);
        WebApplication app = builder.Build();
        app.UseWebSockets();
        Handlers.Map(app);
        map?.Invoke(app);
        await app.StartAsync();
        return new Server(app, log);
    }

    public static void Use(IWebHostBuilder builder, Mode mode, Action<LoopTransportOptions>? configure = null)
    {
        if (mode != Mode.Sockets)
        {
            builder.UseMoodEvent(o =>
            {
                o.Loops = 2;
                o.UnsafeInlineApplication = mode == Mode.Inline;
                configure?.Invoke(o);
            });
        }
    }

    public HttpClient Client(SocketsHttpHandler? handler = null) =>
        new(handler ?? new SocketsHttpHandler()) { BaseAddress = new Uri($"http://{EndPoint}"), Timeout = TimeSpan.FromSeconds(30) };

    public async Task<RawClient> ConnectAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(EndPoint);
        return new RawClient(socket);
    }

    public ValueTask DisposeWithoutStopAsync() => _app.DisposeAsync();

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }
}
