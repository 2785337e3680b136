using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// One server on the program's loop. With --loops, a server for each loop of a group, all on the same port: the kernel distributes the
/// connections, and no loop waits for another.
/// </summary>
internal sealed class Servers(Loop loop, Options options) : IDisposable
{
    // how long the clients may take to read their last answers
    private static readonly TimeSpan s_grace = TimeSpan.FromSeconds(5);

    private readonly LoopGroup? _group = options.Loops > 1 ? new LoopGroup(options.Loops, "echo", backends: options.Backend) : null;
    private readonly List<LoopServer> _servers = [];

    public Totals Totals { get; } = new();

    /// <summary>The numbers of open connections, for example "3 + 4" on two loops.</summary>
    public string Connections => string.Join(" + ", _servers.Select(server => server.ConnectionCount));

    /// <summary>Starts the servers. The token tells the connections to end.</summary>
    public IPEndPoint Start(CancellationToken stop)
    {
        var endPoint = new IPEndPoint(options.Host, options.Port);

        foreach (Loop each in _group?.Loops ?? [loop])
        {
            LoopServer server = LoopServer.Listen(
                each,
                endPoint,
                ServeAsync,
                new LoopServerOptions { ReusePort = _group is not null });
            _servers.Add(server);
            endPoint = (IPEndPoint)server.EndPoint; // the first one has found a free port
        }

        return endPoint;

        Task ServeAsync(LoopStream stream, CancellationToken token) => Connection.ServeAsync(stream, Totals, stop, token);
    }

    /// <summary>Accepts no more connections, and waits for those that are left.</summary>
    public Task StopAsync() => Task.WhenAll(_servers.Select(server => server.StopAsync(s_grace)));

    public void Dispose() => _group?.Dispose();
}
