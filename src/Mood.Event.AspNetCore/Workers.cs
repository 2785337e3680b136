using System;
using System.Diagnostics.CodeAnalysis;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace Mood.Event;

/// <summary>The loops that all listeners and clients of a server share. They run while at least one of these uses them.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The container creates it.")]
[SuppressMessage("Design", "CA1001", Justification = "The last ReleaseAsync ends the loops.")]
internal sealed class Workers(IOptions<LoopTransportOptions> options, ILoggerFactory loggers)
{
    private readonly object _gate = new();

    // under the gate: not null while _users > 0
    private LoopGroup? _group;
    private Worker[] _all = [];
    private int _users;

    // the worker of the last connection; any thread
    private int _last = -1;

    /// <summary>How long a stop waits for the loops. A handler that still runs on a loop's thread must not delay the host for longer.</summary>
    internal static TimeSpan Patience { get; } = TimeSpan.FromSeconds(5);

    internal LoopTransportOptions Options { get; } = options.Value;

    internal ILogger Logger { get; } = new QuietLogger(loggers.CreateLogger("Mood.Event.AspNetCore"));

    /// <summary>Raised on the thread of a loop that an exception has ended.</summary>
    internal event Action<Exception>? Failed;

    /// <summary>Starts the loops if they do not run yet. Each call needs a call of <see cref="ReleaseAsync"/>.</summary>
    internal Worker[] Acquire()
    {
        lock (_gate)
        {
            if (_users++ == 0)
            {
                try
                {
                    Start();
                }
                catch
                {
                    _users = 0;
                    throw;
                }
            }

            return _all;
        }
    }

    /// <summary>The worker of the next connection, in turn. Any thread that has acquired the workers.</summary>
    internal Worker Next()
    {
        Worker[] all = _all;
        return all[(uint)Interlocked.Increment(ref _last) % (uint)all.Length];
    }

    /// <summary>Whether there are connections. Any thread that has acquired the workers.</summary>
    internal bool HasConnections => Array.Exists(_all, worker => worker.HasConnections);

    internal async Task ReleaseAsync()
    {
        LoopGroup group;
        Worker[] all;

        lock (_gate)
        {
            if (--_users > 0)
            {
                return;
            }

            (group, all) = (_group!, _all);
        }

        foreach (Worker worker in all)
        {
            worker.Loop.TryPost(static worker => worker.Stop(), worker);
        }

        Task stopped = group.StopAsync();

        // the exception of a loop that failed is already in the log
        await ((Task)Task.WhenAny(stopped, Task.Delay(Patience))).ConfigureAwait(false);

        if (!stopped.IsCompleted)
        {
            Log.NotEnded(Logger);
        }

        _ = stopped.Exception;
    }

    private void Start()
    {
        var all = new Worker[Options.Loops];
        _group = new LoopGroup(all.Length, new LoopOptions
        {
            Name = "Kestrel",
            Backends = Options.Backends,
            UseSynchronizationContext = false, // with it, a handler that blocks on a task would wait for its own thread
            CallbackException = (_, e) =>
            {
                if (e.Watcher?.Data is IIoOwner owner)
                {
                    owner.OnFailed(e.Exception);
                }
                else
                {
                    Log.CallbackFailed(Logger, e.Exception);
                }
            },
        });

        try
        {
            for (int i = 0; i < all.Length; i++)
            {
                all[i] = new Worker(_group.Loops[i], Options, Logger);
            }
        }
        catch
        {
            Array.ForEach(all, worker => worker?.Guard.Dispose()); // the system has started the threads of some guards
            _group.Dispose();
            throw;
        }

        _group.Failed += (_, e) =>
        {
            Log.LoopFailed(Logger, e.Loop.Name ?? "loop", e.Exception);
            Failed?.Invoke(e.Exception);
            Array.Find(all, worker => worker.Loop == e.Loop)?.Stop();
        };
        _all = all;
    }
}
