using System.Collections.Generic;
using System.IO.Pipelines;
using System.Linq;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>A loop, and the objects that its connections share.</summary>
internal sealed class Worker(Loop loop, LoopTransportOptions options, ILogger logger)
{
    // Loop's thread. The connections that have begun and are not closed.
    private readonly HashSet<Connection> _connections = [];

    // Loop's thread. Set by Stop.
    private bool _isStopped;

    internal Loop Loop { get; } = loop;

    internal LoopTransportOptions Options { get; } = options;

    internal ILogger Logger { get; } = logger;

    internal BlockPool Pool { get; } = new();

    internal Guard Guard { get; } = new($"{loop.Name} guard");

    /// <summary>The scheduler that runs actions on the loop's thread.</summary>
    internal PipeScheduler Scheduler { get; } = new LoopScheduler(loop);

    /// <summary>Whether there are connections. Any thread. Another thread may get an answer that is out of date.</summary>
    internal bool HasConnections => _connections.Count > 0;

    /// <summary>Adds a connection. Loop's thread.</summary>
    /// <returns>False: the worker has stopped.</returns>
    internal bool TryAdd(Connection connection) => !_isStopped && _connections.Add(connection);

    /// <summary>Removes a connection that is closed. Loop's thread.</summary>
    internal void Remove(Connection connection) => _connections.Remove(connection);

    /// <summary>Closes all connections. Loop's thread.</summary>
    internal void Stop()
    {
        _isStopped = true;

        foreach (Connection connection in _connections.ToArray())
        {
            connection.Reset(new ConnectionAbortedException("The server has stopped."));
        }

        Guard.Dispose();
    }
}
