using System;
using System.Collections.Generic;
using System.Linq;
using System.Net;
using System.Threading.Tasks;
using Mood.Event;

namespace Echo;

/// <summary>
/// A server for each loop of a group. Each has its own listener on the same port: the kernel distributes the connections, and no
/// loop waits for another. A server is created, asked and disposed on its loop's thread. The methods here run on another thread, and
/// wait for that.
/// </summary>
internal sealed class ServerGroup : IServer
{
    private readonly LoopGroup _group;
    private readonly List<Server> _servers = [];

    public ServerGroup(Options options)
    {
        _group = new LoopGroup(options.Loops, "echo", backends: options.Backend);

        try
        {
            foreach (Loop loop in _group.Loops)
            {
                _servers.Add(loop.InvokeAsync(() => new Server(loop, options, isShared: true)).GetAwaiter().GetResult());
                EndPoint = _servers[0].EndPoint;
                options = options with { Port = EndPoint.Port }; // the first listener has found a free port
            }
        }
        catch
        {
            _group.Dispose();
            throw;
        }
    }

    public IPEndPoint EndPoint { get; } = null!;

    public IReadOnlyList<Totals> Totals =>
        Task.WhenAll(_servers.Select((server, i) => _group.Loops[i].InvokeAsync(() => server.Total))).GetAwaiter().GetResult();

    public void Dispose()
    {
        Task.WaitAll([.. _servers.Select((server, i) => _group.Loops[i].InvokeAsync(server.Dispose))]);
        _servers.Clear();
        _group.Dispose();
    }
}
