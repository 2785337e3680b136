using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using Mood.Event;

namespace Echo;

/// <summary>
/// A server and its clients over real sockets, on one loop. With --loops the servers have loops of their own. The test waits until
/// every client has its first message back, lets them send messages for a while, lets each finish its last message and disconnect,
/// and prints the result.
/// </summary>
internal sealed class SelfTest(Loop loop, Options options)
{
    private const double Patience = 30; // the seconds for connecting and greeting, and for finishing

    private readonly List<Client> _clients = new(options.Connections);
    private int _greeted, _done;
    private long _began, _ended, _trips, _allocated;
    private string? _failure;
    private bool _over;
    private IServer? _server;
    private Timer? _limit;

    /// <summary>Runs the test and returns the exit code.</summary>
    public int Run()
    {
        loop.CallbackException += (_, e) => Fail($"unexpected: {e.Exception}");

        using IServer server = options.Loops == 1 ? new Server(loop, options) : new ServerGroup(options);
        using var stop = new StopSignals(loop, signum => Fail($"interrupted by signal {signum}"));
        using Timer limit = loop.Timer(Patience, 0, (_, _) =>
            Fail($"only {_greeted} of {options.Connections} connections had an answer within {Patience} s"));
        (_server, _limit) = (server, limit);
        limit.Start();

        try
        {
            for (int i = 0; i < options.Connections; i++)
            {
                _clients.Add(new Client(loop, this, i, options.Size, server.EndPoint));
            }

            loop.Start();
        }
        finally
        {
            End();
        }

        return Report();
    }

    public void OnGreeted()
    {
        if (++_greeted < options.Connections)
        {
            return;
        }

        // a Timer counts from the loop's time, which is old after a long iteration
        loop.Now(update: true);
        _limit!.Dispose();
        _limit = loop.Timer(options.Seconds, 0, (_, _) => Finish());
        _limit.Start();
        _allocated = GC.GetAllocatedBytesForCurrentThread();
        _began = Stopwatch.GetTimestamp();

        foreach (Client client in _clients)
        {
            if (_over)
            {
                return; // one client has failed, which ends the test
            }

            client.Talk();
        }
    }

    public void OnDone(Client client)
    {
        client.Dispose();

        if (++_done == options.Connections)
        {
            End();
        }
    }

    /// <summary>The first failure ends the test.</summary>
    public void Fail(string message)
    {
        _failure ??= message;
        End();
    }

    private void Finish()
    {
        _ended = Stopwatch.GetTimestamp();
        _trips = _clients.Sum(c => c.RoundTrips);
        _allocated = GC.GetAllocatedBytesForCurrentThread() - _allocated;

        foreach (Client client in _clients)
        {
            client.Finish();
        }

        _limit!.Dispose();
        _limit = loop.Timer(Patience, 0, (_, _) =>
            Fail($"{options.Connections - _done} of {options.Connections} connections did not end within {Patience} s, " +
                $"{_clients.Sum(c => c.Sent - c.Received)} bytes are lost"));
        _limit.Start();
    }

    // After this no watcher keeps the loop alive, so Start returns. Dispose is allowed in a client's callback.
    private void End()
    {
        if (_over)
        {
            return;
        }

        _over = true;
        _limit?.Dispose();

        foreach (Client client in _clients)
        {
            client.Dispose();
        }

        _server!.Dispose();
    }

    private int Report()
    {
        long sent = _clients.Sum(c => c.Sent);
        long received = _clients.Sum(c => c.Received);

        if (_failure is null && _trips == 0)
        {
            _failure = "nothing was transferred";
        }

        if (_failure is null && sent != received)
        {
            _failure = $"{sent - received} bytes are lost";
        }

        if (_failure is not null)
        {
            Console.Error.WriteLine($"echo self-test FAILED: {_failure}");
            return 1;
        }

        double seconds = Stopwatch.GetElapsedTime(_began, _ended).TotalSeconds;
        Console.WriteLine($"""
            echo self-test passed, backend {loop.Backend}, served by {options.Loops} {(options.Loops == 1 ? "loop" : "loops")}
              connections    {options.Connections}, messages of {options.Size} bytes, {seconds:F2} s
              round trips    {_trips}, {_trips / seconds:F0} per second
              bytes          {sent} sent, {received} received and compared; lost 0, changed 0
              allocated      {_allocated} bytes by the {(options.Loops == 1 ? "loop" : "clients' loop")}'s thread meanwhile, {(double)_allocated / _trips:F3} per round trip
            """);
        return 0;
    }
}
