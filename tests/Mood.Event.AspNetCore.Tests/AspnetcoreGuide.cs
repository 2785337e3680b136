using System;
using System.Net.Http;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>The code of docs/guide/aspnetcore.md.</summary>
public sealed class AspnetcoreGuide
{
    [Fact(Timeout = 60_000)]
    public async Task One_line()
    {
        string[] args = ["--urls", "http://127.0.0.1:0"];
        WebApplicationBuilder builder = WebApplication.CreateBuilder(args);
        builder.WebHost.UseMoodEvent();
        builder.Logging.ClearProviders();
        await using WebApplication app = builder.Build();
        app.MapGet("/", () => "hello");
        await app.StartAsync();
        using var client = new HttpClient();
        Assert.Equal("hello", await client.GetStringAsync(System.Linq.Enumerable.Single(app.Urls)));
    }

    [Fact(Timeout = 60_000)]
    public async Task Options()
    {
        WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
        builder.WebHost.UseMoodEvent(options =>
        {
            options.Loops = 2;
            options.UnsafeInlineApplication = true;
        });
        builder.Logging.ClearProviders();
        await using WebApplication app = builder.Build();
        app.MapGet("/", async () =>
        {
            await Task.Delay(10);
            return "hello";
        });
        await app.StartAsync();
        using var client = new HttpClient();
        Assert.Equal("hello", await client.GetStringAsync(System.Linq.Enumerable.Single(app.Urls)));
        Assert.NotNull(app.Services.GetRequiredService<IConnectionFactory>());
    }
}
