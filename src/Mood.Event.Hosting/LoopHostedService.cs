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

    // The name of the callback that blocks the loop, if Loop.Blocked has reported it. The watchdog's thread sets it, and the loop's thread
    // clears it after the callback.
    private volatile string? _blocking;

    internal LoopHostedService(IServiceProvider provider, LoopThread thread)
    {
        _thread = thread;
        _logger = provider.GetService<ILoggerFactory>()?.CreateLogger("Mood.Event.Loop") ?? NullLogger.Instance;
        _lifetime = provider.GetService<IHostApplicationLifetime>();
        thread.Loop.Blocked += (_, e) =>
        {
            _blocking = e.Method;
            thread.Loop.TryPost(static service => service._blocking = null, this);
        };
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
            Log.NotEnded(_logger, _thread.Loop.Name ?? "loop", _blocking ?? "a callback");
        }
    }
}
