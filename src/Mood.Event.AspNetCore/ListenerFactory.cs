using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;
using Microsoft.AspNetCore.Connections;

namespace Mood.Event;

/// <summary>Opens the listeners of Kestrel's end points.</summary>
[SuppressMessage("Performance", "CA1812", Justification = "The container creates it.")]
internal sealed class ListenerFactory(Workers workers) : IConnectionListenerFactory, IConnectionListenerFactorySelector
{
    public bool CanBind(EndPoint endpoint) => endpoint is IPEndPoint or UnixDomainSocketEndPoint or FileHandleEndPoint;

    public async ValueTask<IConnectionListener> BindAsync(EndPoint endpoint, CancellationToken cancellationToken = default)
    {
        Worker[] all = workers.Acquire();

        try
        {
            return await Listener.OpenAsync(endpoint, workers, all).ConfigureAwait(false);
        }
        catch
        {
            await workers.ReleaseAsync().ConfigureAwait(false);
            throw;
        }
    }
}
