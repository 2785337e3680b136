using System;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Mood.Event;

/// <summary>Ends a loop when the host stops. The loop's thread runs from the moment the host resolves this service.
/// <see cref="LoopServiceCollectionExtensions"/> creates the thread, and passes exceptions and slow callbacks to the
/// logger.</summary>
internal sealed class LoopHostedService : IHostedService
{
    private readonly LoopThread _thread;
    private readonly ILogger _logger;
    private readonly IHostApplicationLifetime? _lifetime;

    internal LoopHostedService(IServiceProvider provider, LoopThread thread)
    {
        _thread = thread;
        _logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Mood.Event.Loop") ?? NullLogger.Instance;
        _lifetime = provider.GetService<IHostApplicationLifetime>();
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        // as for a failed BackgroundService: the host must not run without its loop
        _thread.Failed += (_, _) => _lifetime?.StopApplication();
        return Task.CompletedTask;
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        Task stopped = _thread.StopAsync();

        // The exception that ended the loop is already in the log, so it must not make the host's stop fail.
        await stopped.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        if (!stopped.IsCompleted)
        {
            Log.NotEnded(_logger, _thread.Loop.Name ?? "loop");
        }
    }
}
