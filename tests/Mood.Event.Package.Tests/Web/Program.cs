using System;
using System.Linq;
using System.Net.Http;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.Extensions.Logging;

// A minimal API over loops. Mood.Event needs only the line with UseMoodEvent.
WebApplicationBuilder builder = WebApplication.CreateBuilder(["--urls", "http://127.0.0.1:0"]);
builder.Logging.ClearProviders(); // keeps standard output free for the result
builder.WebHost.UseMoodEvent();
WebApplication app = builder.Build();
app.MapGet("/", (HttpContext context) => context.Features.Get<IConnectionIdFeature>()?.GetType().Assembly.GetName().Name);
await app.StartAsync();

using (var client = new HttpClient())
{
    Console.WriteLine(await client.GetStringAsync(app.Urls.Single()));
}

await app.StopAsync();
Console.WriteLine("done");
