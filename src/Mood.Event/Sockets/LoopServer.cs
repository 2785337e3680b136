using System;
using System.Collections.Generic;
using System.Collections.ObjectModel;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A server for TCP connections (IPv4 or IPv6) or Unix domain sockets. It accepts connections on a loop, and calls an
/// asynchronous handler for each one.</summary>
/// <remarks>
/// <para>The handler begins and continues on the loop's thread. When its task ends, the server disposes the stream. An exception of
/// the handler goes to <see cref="Loop.CallbackException"/> and resets only that connection. The server and the other connections
/// go on. Exceptions that the server's own stop or time-out causes are not reported.</para>
/// <para>If fewer than 16 file descriptors are left, new connections wait in the backlog, because the runtime needs the last ones. The
/// server tries again every 0.1 seconds, and reports the shortage to <see cref="Loop.CallbackException"/> every 10 seconds while it lasts.
/// A server without connections still accepts one.</para>
/// <para>When the main function of a Run with a token has ended, the Run stops the servers of the loop that are not being stopped yet, with
/// <see cref="LoopServerOptions.ShutdownTimeout"/> as the grace. It waits for the handlers as it does for the functions of
/// <see cref="Loop.Spawn"/>, and names those that have not ended in time. A Run without a token neither stops a server nor waits for the
/// handlers.</para>
/// <para>A server keeps <see cref="Loop.Start"/> from returning until it is stopped. Dispose of the loop closes it with all its
/// connections. All members may be used on any thread.</para>
/// <code>
///   accepting     until the first StopAsync
///     |  StopAsync: the backlog is accepted if there is a grace, the listening socket is closed
///   finishing     the server waits for the handlers until the grace is over
///     |  the grace is over
///   cancelled     the handlers' tokens are cancelled
///     |  one second later
///   closing       the connections are reset
///     |  one second later
///   stopped       also entered from each state above when no handler is left
/// </code>
/// </remarks>
public sealed partial class LoopServer : IAsyncDisposable
{
    // Identifies the handler that the running code belongs to (ServerConnection.Handler): the handler has called, awaits or has started this
    // code. Any thread.
    private static readonly AsyncLocal<object?> s_handler = new();

    private readonly Loop _loop;
    private readonly Func<LoopStream, CancellationToken, Task> _handler;
    private readonly ListenSocket _listener;
    private readonly int _maxConnections, _backlog;
    private readonly bool _noDelay;
    private readonly TimeSpan _idleTimeout, _shutdownTimeout;

    // Guards _connections, which the loop's thread uses, and after the loop's Dispose any thread. FindCaller uses it on any thread.
    private readonly Gate _gate = new();

    // The connections whose handlers have not ended. Under the gate.
    private readonly HashSet<ServerConnection> _connections = [];

    // The token of the last RunAsync. Any thread may set it. RunAsync sets it before the token can stop the server.
    private CancellationToken _runToken;

    // Copy of _connections.Count. Written under the gate, read by any thread.
    private volatile int _count;

    private LoopServer(
        Loop loop, ListenSocket listener, Func<LoopStream, CancellationToken, Task> handler, LoopServerOptions options)
    {
        _loop = loop;
        _listener = listener;
        _handler = handler;
        (_maxConnections, _backlog) = (options.MaxConnections, options.Backlog);
        _noDelay = options.NoDelay;
        (_idleTimeout, _shutdownTimeout) = (options.IdleTimeout, options.ShutdownTimeout);
        EndPoint = listener.EndPoint;
    }

    /// <summary>The address that the server listens on. If the server was started with port 0, this has the port that the kernel
    /// has chosen.</summary>
    public EndPoint EndPoint { get; }

    /// <summary>The number of connections whose handlers have not ended.</summary>
    public int ConnectionCount => _count;

    /// <summary>Listens on an address. The server accepts connections while the loop runs.</summary>
    /// <param name="loop">The loop that accepts, and that the streams of the connections use.</param>
    /// <param name="endPoint">An IP address with a port, or a <see cref="UnixDomainSocketEndPoint"/>. Port 0 lets the kernel choose
    /// one: see <see cref="EndPoint"/>. The address <see cref="IPAddress.IPv6Any"/> includes IPv4.</param>
    /// <param name="handler">Called on the loop's thread for each connection, with its stream and a token. The token is cancelled
    /// when the server is stopped and the grace is over, or after <see cref="LoopServerOptions.IdleTimeout"/>.</param>
    /// <param name="options">The options. Null means the default values.</param>
    /// <returns>The server. Stop it with <see cref="StopAsync(TimeSpan)"/> or DisposeAsync.</returns>
    /// <exception cref="ArgumentNullException">One of the first three arguments is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="endPoint"/> is a <see cref="DnsEndPoint"/>, or
    /// <paramref name="handler"/> is a delegate of several methods.</exception>
    /// <exception cref="SocketException">The address cannot be used, for example because another server uses it. The file of a
    /// Unix domain socket must not exist.</exception>
    /// <exception cref="PlatformNotSupportedException"><see cref="LoopServerOptions.ReusePort"/> is set, and the system or the
    /// kind of address does not support it.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public static LoopServer Listen(
        Loop loop,
        EndPoint endPoint,
        Func<LoopStream, CancellationToken, Task> handler,
        LoopServerOptions? options = null)
    {
        Validate.NotNull(loop, nameof(loop));
        Validate.NotNull(endPoint, nameof(endPoint));
        Validate.Function(handler, nameof(handler));

        if (endPoint is DnsEndPoint)
        {
            throw Error.Argument_HostToListen(nameof(endPoint));
        }

        options ??= new LoopServerOptions();
        var server = new LoopServer(loop, ListenSocket.Open(endPoint, options), handler, options);
        server.Begin();
        return server;
    }

    /// <summary>Waits until a token is cancelled, and then stops the server.</summary>
    /// <param name="cancellationToken">Its cancellation calls <see cref="StopAsync(TimeSpan)"/> with
    /// <see cref="LoopServerOptions.ShutdownTimeout"/>. Without a token, the task ends when another call stops the server.</param>
    /// <returns>A task that ends when the server has stopped, by the token or otherwise. It does not fail.</returns>
    public async Task RunAsync(CancellationToken cancellationToken = default)
    {
        _runToken = cancellationToken;

        // Weak, because a token may live longer than an abandoned loop, and must not keep the loop in memory.
        using CancellationTokenRegistration registration = cancellationToken.UnsafeRegister(
            static reference => _ = ((WeakReference<LoopServer>)reference!).TryGetTarget(out LoopServer? server) ? server.StopAtEnd() : null,
            new WeakReference<LoopServer>(this));
        await _stopped.Task;
    }

    // Whether a handler has thrown this exception because its connection had to end: the server stops, the connection's idle time is
    // over, or the loop is disposed or being disposed. Such an exception is not reported. IsStopping also checks the token of RunAsync: a
    // handler may wait with this token, and see the cancellation before the server does.
    private bool IsEnd(Exception exception, ServerConnection connection) => exception switch
    {
        OperationCanceledException => connection.IsCancelled || _loop.IsEnding || IsStopping,
        ObjectDisposedException or System.IO.IOException or SocketException => connection.IsCancelled || _loop.IsEnding,
        _ => false,
    };

    private bool IsStopping => _accepting.IsCancellationRequested || _runToken.IsCancellationRequested;

    // The connection whose handler calls this, directly, by what it awaits, or by a task that it has started. Null after the handler's
    // end. Any thread.
    private ServerConnection? FindCaller() =>
        s_handler.Value is object handler ? Array.Find(Connections(), connection => connection.Handler == handler) : null;

    // A copy, because the continuations that a cancellation or a Dispose calls may end handlers.
    private ServerConnection[] Connections()
    {
        using (_gate.Enter())
        {
            // A collection expression would load System.Linq, which needs a file descriptor. There may be none left.
            var connections = new ServerConnection[_connections.Count];
            _connections.CopyTo(connections);
            return connections;
        }
    }

    private void Serve(Socket socket)
    {
        ServerConnection connection;

        try
        {
            if (_noDelay && socket.AddressFamily != AddressFamily.Unix)
            {
                socket.NoDelay = true;
            }

            connection = new ServerConnection(_loop, socket);
            StartSweep(); // throws if the loop is being disposed
        }
        catch (Exception e) when (e is SocketException or ArgumentException or ObjectDisposedException)
        {
            socket.Dispose(); // the peer has reset the connection already, or the loop is being disposed
            return;
        }

        using (_gate.Enter())
        {
            _connections.Add(connection);
            _count = _connections.Count;
        }

        _loop.SpawnHandler(() => CallHandler(connection), _handler, task => OnEnded(connection, task));
    }

    private Task CallHandler(ServerConnection connection)
    {
        s_handler.Value = connection.Handler;

        try
        {
            return _handler(connection.Stream, connection.Token);
        }
        finally
        {
            s_handler.Value = null; // if the flow of ExecutionContexts is suppressed, the loop's thread would keep the value
        }
    }

    // The loop's thread calls it, or if the loop is disposed, the thread that has ended the handler. Throws nothing.
    private void OnEnded(ServerConnection connection, Task task)
    {
        ReadOnlyCollection<Exception> exceptions = task.IsCanceled
            ? new([Call.CancellationOf(task)])
            : task.Exception?.InnerExceptions ?? ReadOnlyCollection<Exception>.Empty;

        foreach (Exception exception in exceptions)
        {
            if (!IsEnd(exception, connection))
            {
                _loop.Report(exception, _handler.Method, $"the handler {MethodName.Of(_handler.Method)} of the LoopServer on {EndPoint}");
            }
        }

        connection.HasEnded = true;
        connection.Close(reset: exceptions.Count > 0);

        using (_gate.Enter())
        {
            _connections.Remove(connection);
            _count = _connections.Count;
        }

        if (!_loop.IsHere)
        {
            return; // the loop's Dispose stops the server, or has done so
        }

        _room?.TrySetResult(); // the server may accept the next connection here

        if (_count == 0)
        {
            _sweep?.Stop();
            _allEnded?.TrySetResult();
        }

        TellStoppingHandlers();
    }
}
