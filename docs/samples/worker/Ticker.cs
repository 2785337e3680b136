using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Mood.Event;

namespace Worker;

/// <summary>Does its work at an interval, on the loop's thread.</summary>
internal sealed partial class Ticker(Loop loop, double interval, ILogger<Ticker> logger) : BackgroundService
{
    private int _jobs; // the loop's thread

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => loop.InvokeAsync(() => WorkAsync(stoppingToken));

    private async Task WorkAsync(CancellationToken token)
    {
        try
        {
            while (true)
            {
                Done(logger, ++_jobs);
                await loop.Delay(interval, token);
            }
        }
        catch (OperationCanceledException)
        {
            Stopped(logger, _jobs);
        }
    }

    [LoggerMessage(1, LogLevel.Information, "job {Number} is done")]
    private static partial void Done(ILogger logger, int number);

    [LoggerMessage(2, LogLevel.Information, "stopped after {Count} jobs")]
    private static partial void Stopped(ILogger logger, int count);
}
