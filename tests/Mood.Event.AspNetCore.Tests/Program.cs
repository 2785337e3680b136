using System;
using System.Collections.Generic;
using System.IO;
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
using Microsoft.Win32.SafeHandles;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A program with a server. <see cref="ProcessTests"/> run it and end it with a signal.</summary>
internal static class Program
{
    private static async Task Main(string[] args)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddRoutingCore();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.WebHost.UseKestrelCore().ConfigureKestrel(o =>
        {
            o.Limits.MaxRequestBodySize = null;

            if (Environment.GetEnvironmentVariable("LISTEN_FDS") is null)
            {
                o.Listen(IPAddress.Loopback, 0);
            }
            else
            {
                o.UseSystemd();
            }
        });
        bool isLimited = args[0] == "threads"; // RefusalTests
        Server.Use(builder.WebHost, isLimited ? Mode.Pool : Enum.Parse<Mode>(args[0]));
        await using WebApplication app = builder.Build();

        if (isLimited)
        {
            await RefusalTests.BindWithFewThreadsAsync(app.Services);
            return;
        }

        int begun = 0, ended = 0;
        Handlers.Map(app);
        app.Map("/counted", (RequestDelegate)(async c =>
        {
            Interlocked.Increment(ref begun);
            await Task.Delay(5);
            await c.Response.WriteAsync("hello");
            Interlocked.Increment(ref ended);
        }));
        app.Map("/free", (RequestDelegate)(c => c.Response.WriteAsync($"[{FreeFiles.Count(8)}]")));
        List<SafeFileHandle> held = [];
        app.Map("/hold", (RequestDelegate)(c =>
        {
            while (held.Count == 0 || held[^1].DangerousGetHandle() < FileDescriptors.Limit() - 20)
            {
                held.Add(File.OpenHandle("/dev/null"));
            }

            return c.Response.WriteAsync("held");
        }));
        await app.StartAsync();
        string address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Console.WriteLine(new Uri(address).Port);
        await app.WaitForShutdownAsync();
        Console.WriteLine($"begun {begun} ended {ended}");
    }
}
