using System;
using System.Net.Sockets;
using System.Threading;

namespace Mood.Event;

/// <summary>A connection of a server, and the check for its idle timeout. Used on the loop's thread only. But after the loop's Dispose, a handler
/// may end on any thread.</summary>
internal sealed class ServerConnection
{
    private readonly CancellationTokenSource _cancellation = new();

    // The number of the stream's operations at the last check, or -1 before the first check, and how many checks in a row have found it
    // unchanged. The first check may come at once after the connection.
    private int _seen = -1, _unchanged;

    internal ServerConnection(Loop loop, Socket socket)
    {
        Stream = new LoopStream(loop, socket, ownsSocket: true);
        Token = _cancellation.Token;
    }

    internal LoopStream Stream { get; }

    internal CancellationToken Token { get; }

    /// <summary>Identifies the handler in its ExecutionContext. It is not the connection itself, because the context may outlive
    /// the connection, for example in a timer that the handler has started.</summary>
    internal object Handler { get; } = new();

    /// <summary>Whether the handler, or a task that it has started, has stopped the server and may be waiting for that stop.</summary>
    internal bool AwaitsStop { get; set; }

    /// <summary>Whether the handler has ended.</summary>
    internal bool HasEnded { get; set; }

    /// <summary>Whether the server, and not the handler, has ended the connection.</summary>
    internal bool IsCancelled { get; private set; }

    /// <summary>Cancels the handler's token. An exception of a callback of the token goes to CallbackException.</summary>
    internal void Cancel()
    {
        IsCancelled = true;
        Stream.Loop.CancelAndReport(_cancellation);
    }

    /// <summary>Closes the connection, which ends the operations of the stream.</summary>
    /// <param name="reset">Whether the connection is reset, which tells the peer that it did not end normally.</param>
    internal void Close(bool reset)
    {
        if (reset && !Stream.IsDisposed)
        {
            try
            {
                Stream.Socket.LingerState = new LingerOption(enable: true, seconds: 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // the connection is gone already
            }
        }

        Stream.Dispose();
    }

    /// <summary>Checks whether the stream was used since the last check.</summary>
    /// <returns>How many checks in a row have found no use.</returns>
    internal int CountIdle()
    {
        int uses = Stream.Uses;
        _unchanged = uses == _seen ? _unchanged + 1 : 0;
        _seen = uses;
        return _unchanged;
    }
}
