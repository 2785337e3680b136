using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Net;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event.Soak;

/// <summary>
/// A server on one loop's thread, clients on the thread pool and on a second loop, timers of that loop's TimeProvider, and several stops at
/// once at a random moment. A client gets back all that it has sent, unless the server was stopped meanwhile. After the stops every task
/// ends, no handler is left, and no file descriptor is lost.
/// </summary>
/// <remarks>It runs between rounds, because it counts the file descriptors of the process. The runtime opens some of its own in the first
/// runs.</remarks>
internal sealed class ServerRun
{
    // seconds
    private const double Patience = 30;

    private const int FirstRuns = 8, Tolerance = 6;

    private static int s_runs, s_mostFds;

    private readonly Random _random;
    private readonly LoopThread _host, _guests;
    private readonly LoopServer _server;
    private readonly ServerHandler _handler;
    private readonly string? _path;
    private Exception? _broken;
    private volatile bool _isStopping;

    private ServerRun(int seed, List<Backends> backends)
    {
        _random = new Random(seed);
        _host = NewThread(backends);
        _guests = NewThread(backends);
        _path = _random.Next(3) == 0 ? Path.Combine(Path.GetTempPath(), $"mood-event-soak-{Environment.ProcessId}") : null;
        EndPoint address = _path is null ? new IPEndPoint(IPAddress.Loopback, 0) : new UnixDomainSocketEndPoint(_path);
        _handler = new ServerHandler(this, _host.Loop, _guests.Loop, _random.Next());
        _server = LoopServer.Listen(_host.Loop, address, _handler.ServeAsync, new LoopServerOptions
        {
            MaxConnections = _random.Next(3) == 0 ? _random.Next(1, 4) : int.MaxValue,
            IdleTimeout = _random.Next(2) == 0 ? TimeSpan.FromSeconds(Patience) : Timeout.InfiniteTimeSpan,
        });
    }

    /// <summary>Whether the server may have been stopped. From then on, a connection may end at any time.</summary>
    public bool IsStopping => _isStopping;

    public static void Run(int seed, List<Backends> backends)
    {
        new ServerRun(seed, backends).RunAsync().GetAwaiter().GetResult();
        CheckFds();
    }

    /// <summary>Stops the server, on behalf of a handler.</summary>
    public Task StopServerAsync()
    {
        _isStopping = true;
        return _server.StopAsync(0.01);
    }

    /// <summary>Connects to the server with a socket of .NET.</summary>
    public async Task<Stream> ConnectAsync()
    {
        AddressFamily family = _server.EndPoint.AddressFamily;
        var socket = new Socket(family, SocketType.Stream, family == AddressFamily.Unix ? ProtocolType.Unspecified : ProtocolType.Tcp);

        try
        {
            await socket.ConnectAsync(_server.EndPoint).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Connects to the server with a stream of the second loop.</summary>
    public async Task<Stream> ConnectOnLoopAsync() =>
        await LoopStream.ConnectAsync(_guests.Loop, _server.EndPoint).ConfigureAwait(false);

    private static void CheckFds()
    {
        if (!Directory.Exists("/proc/self/fd"))
        {
            return;
        }

        if (++s_runs <= FirstRuns)
        {
            s_mostFds = Math.Max(s_mostFds, OpenFiles().Length);
            return;
        }

        string[] files = OpenFiles();

        // The finalizers close what an exception of a constructor has left.
        for (int i = 0; i < 50 && files.Length > s_mostFds + Tolerance; i++)
        {
            GC.Collect();
            Thread.Sleep(100);
            files = OpenFiles();
        }

        if (files.Length > s_mostFds + Tolerance)
        {
            throw new SoakException(
                $"{files.Length} sockets, pipes and descriptors of loops are open after a server; after the first {FirstRuns} servers it was {s_mostFds}: {string.Join(", ", files)}");
        }
    }

    // The sockets, pipes and descriptors of loops. The runtime also opens assemblies.
    private static string[] OpenFiles() =>
        [.. Directory.GetFiles("/proc/self/fd").Select(fd => new FileInfo(fd).LinkTarget ?? "").Where(target => target.Contains(':', StringComparison.Ordinal))];

    private static async Task EndAsync(Task task, string what)
    {
        try
        {
            await task.WaitAsync(TimeSpan.FromSeconds(Patience)).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new SoakException($"{what} has not ended after {Patience} s");
        }
    }

    private LoopThread NewThread(List<Backends> backends) => new(new LoopOptions
    {
        Flags = LoopFlags.NoEnv,
        Backends = backends[_random.Next(backends.Count)],
        CallbackException = OnCallbackException,
        UseSynchronizationContext = _random.Next(4) > 0,
        Blocked = _random.Next(2) == 0 ? TimeSpan.FromSeconds(Patience) : TimeSpan.Zero,
    });

    private async Task RunAsync()
    {
        Task[] clients = [.. Enumerable.Range(0, _random.Next(1, 24)).Select(_ => new ServerClient(this, _guests.Loop, _random.Next()).RunAsync())];
        Task waits = new ProviderWaits(_guests.Loop, _random.Next()).RunAsync();

        if (_random.Next(2) == 0)
        {
            await EndAsync(Task.WhenAll(clients), "a client").ConfigureAwait(false);
        }
        else
        {
            await Task.Delay(_random.Next(30)).ConfigureAwait(false);
        }

        _isStopping = true;
        await StopAsync(_random.Next(1, 4)).ConfigureAwait(false);
        await EndAsync(waits, "a wait of a TimeProvider").ConfigureAwait(false);

        if (_random.Next(2) == 0)
        {
            await EndAsync(Task.Run(_guests.Dispose), "the second loop's thread").ConfigureAwait(false);
        }

        await EndAsync(Task.Run(_host.Dispose), "the server's thread").ConfigureAwait(false);
        await EndAsync(Task.WhenAll(clients), "a client").ConfigureAwait(false);
        await EndAsync(Task.Run(_guests.Dispose), "the second loop's thread").ConfigureAwait(false);
        await EndAsync(_server.RunAsync(), "the server's RunAsync").ConfigureAwait(false);
        await EndAsync(NoHandlerAsync(), "a handler").ConfigureAwait(false);

        if (_path is not null && File.Exists(_path))
        {
            throw new SoakException("the file of a Unix domain socket remains");
        }

        if (_broken is not null)
        {
            throw _broken;
        }
    }

    // A handler that has left the loop's thread may end after the loop.
    private async Task NoHandlerAsync()
    {
        while (_server.ConnectionCount > _handler.Lost)
        {
            await Task.Delay(1).ConfigureAwait(false);
        }
    }

    // Several stops at once.
    private async Task StopAsync(int count)
    {
        double grace = _random.NextDouble() * 0.02;
        (string Name, Func<Task> Stop)[] all =
        [
            ("LoopServer.StopAsync", () => _server.StopAsync(grace)),
            ("LoopServer.DisposeAsync", () => _server.DisposeAsync().AsTask()),
            ("LoopThread.StopAsync", _host.StopAsync),
            ("LoopThread.Dispose", () => Task.Run(_host.Dispose)),
            ("Loop.Stop", () => Task.Run(() => _host.Loop.Stop(BreakHow.All))),
            ("Loop.Dispose", DisposeInsideAsync),
        ];
        (string Name, Task End)[] begun = [.. _random.GetItems(all, count).Select(stop => (stop.Name, Task.Run(stop.Stop)))];

        foreach ((string name, Task end) in begun)
        {
            await EndAsync(end, $"{name} of {string.Join(", ", begun.Select(stop => stop.Name))}").ConfigureAwait(false);
        }
    }

    private async Task DisposeInsideAsync()
    {
        try
        {
            await _host.Loop.InvokeAsync(_host.Loop.Dispose).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // another stop was faster
        }
    }

    private void OnCallbackException(object? sender, CallbackExceptionEventArgs e)
    {
        bool isExpected = e.Exception is ExpectedException or IOException or SocketException
            || (_isStopping && e.Exception is ObjectDisposedException or OperationCanceledException);

        if (!isExpected)
        {
            _broken ??= new SoakException($"{_host.Loop.Backend}, {_guests.Loop.Backend}: {e}");
        }
    }
}
