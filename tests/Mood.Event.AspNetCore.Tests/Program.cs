using System;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A server that <see cref="ProcessTests"/> run as a process, and end with a signal.</summary>
internal static class Program
{
    private static async Task Main(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o => o.Listen(IPAddress.Loopback, 0));
        Server.Use(builder.WebHost, Enum.Parse<Mode>(args[0]));
        await using WebApplication app = builder.Build();
        int begun = 0, ended = 0;
        app.Map("/", (RequestDelegate)(async c =>
        {
            Interlocked.Increment(ref begun);
            await Task.Delay(5);
            await c.Response.WriteAsync("hello");
            Interlocked.Increment(ref ended);
        }));
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Console.WriteLine(new Uri(address).Port);
        await app.WaitForShutdownAsync();
        Console.WriteLine($"begun {begun} ended {ended}");
    }
}
