using System;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;

namespace Mood.Event.AspNetCore.Benchmarks;

/// <summary>The server under load. It ends at the end of its standard input.</summary>
internal static class WebServer
{
    internal const int LargeSize = 65536;

    private static readonly byte[] s_text = "Hello, World!"u8.ToArray(), s_large = new byte[LargeSize];

    /// <summary>Runs the server. Its first line of output is its port.</summary>
    internal static async Task RunAsync(string contender)
    {
        await using WebApplication app = await StartAsync(contender);
        Console.WriteLine(PortOf(app));
        await Task.Run(() => Console.In.ReadToEnd());
    }

    internal static int PortOf(WebApplication app) =>
        new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single()).Port;

    internal static async Task<WebApplication> StartAsync(string contender, Action<KestrelServerOptions>? configure = null)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o =>
        {
            o.Listen(IPAddress.Loopback, 0);
            configure?.Invoke(o);
        });

        switch (contender)
        {
            case Comparison.Sockets:
                break;
            case Comparison.Tuned:
                builder.WebHost.UseSockets(o => o.UnsafePreferInlineScheduling = true);
                break;
            case Comparison.Pool:
                builder.WebHost.UseMoodEvent();
                break;
            case Comparison.Inline:
                builder.WebHost.UseMoodEvent(o => o.UnsafeInlineApplication = true);
                break;
            default:
                throw new ArgumentOutOfRangeException(nameof(contender), contender, "There is no such contender.");
        }

        WebApplication app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync();
        return app;
    }

    private static async Task AnswerAsync(HttpContext context)
    {
        HttpResponse response = context.Response;

        switch (context.Request.Path.Value)
        {
            case "/json":
                await response.WriteAsJsonAsync(new Greeting("Hello, World!"));
                break;
            case "/large":
                response.ContentLength = s_large.Length;
                await response.Body.WriteAsync(s_large);
                break;
            case "/post":
                await context.Request.Body.CopyToAsync(System.IO.Stream.Null);
                await TextAsync(response);
                break;
            case "/endless":
                for (int i = 0; i < 1000; i++)
                {
                    await response.Body.WriteAsync(s_large);
                }

                break;
            default:
                await TextAsync(response);
                break;
        }
    }

    private static Task TextAsync(HttpResponse response)
    {
        response.ContentType = "text/plain";
        response.ContentLength = s_text.Length;
        return response.Body.WriteAsync(s_text).AsTask();
    }

    private sealed record Greeting(string Message);
}
