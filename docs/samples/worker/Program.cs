using System;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Mood.Event;
using Worker;

// A worker service of the generic host with a loop. The host handles SIGINT and SIGTERM, the configuration and the logging.
HostApplicationBuilder builder = Host.CreateApplicationBuilder(args);
string text = builder.Configuration["Interval"] ?? "1";

if (!double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double interval) || interval is not (> 0 and < 86400)
    || args is ["-h" or "--help"])
{
    Console.Error.WriteLine("usage: worker [--Interval SECONDS]   (above 0; the default is 1. Other options are those of the host's configuration)");
    return args is ["-h" or "--help"] ? 0 : 2;
}

builder.Services.AddLoop(options => options.SlowCallback = TimeSpan.FromMilliseconds(50));
builder.Services.AddHostedService(services => new Ticker(services.GetRequiredService<Loop>(), interval, services.GetRequiredService<ILogger<Ticker>>()));

try
{
    using IHost host = builder.Build();
    host.Run();
    return 0;
}
catch (Exception e) when (e is PlatformNotSupportedException or EventException)
{
    Console.Error.WriteLine($"worker: {e.Message}");
    return 1;
}
