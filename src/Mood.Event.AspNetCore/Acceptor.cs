using System;
using System.Diagnostics.CodeAnalysis;
using System.Net.Sockets;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>Accepts the connections of a listening socket on a loop.</summary>
/// <param name="listener">The listener of the end point. It gets the connections for Kestrel.</param>
/// <param name="worker">The loop that accepts.</param>
/// <param name="socket">The listening socket. The acceptor owns it.</param>
/// <param name="workers">The loops that get the connections in turn. Null: the loop that accepts serves them too.</param>
[SuppressMessage("Design", "CA1001", Justification = "Stop disposes the watchers and the reserve, on the loop's thread.")]
[SuppressMessage("Reliability", "CA2000", Justification = "The connection owns its socket, and Kestrel owns the connection.")]
internal sealed class Acceptor(Listener listener, Worker worker, Socket socket, Workers? workers) : IIoOwner
{
    // Seconds. When no file descriptor is left, the socket stays readable: without a pause the loop would spin.
    private const double BackOff = 0.1, ReportInterval = 10;
    private const int MaxAccepts = 64;

    // Only the loop's thread uses these.
    private Io? _io;
    private Timer? _backOff;
    private readonly DescriptorReserve _reserve = new();
    private double _reported = double.NegativeInfinity;

    // The reason for the last pause.
    private Exception? _shortage;

    internal Task StartAsync() => worker.Loop.InvokeAsync(() =>
    {
        _io = worker.Loop.Io(socket, Events.Read, (_, _) => Accept(MaxAccepts), data: this);
        _backOff = worker.Loop.Timer(BackOff, 0, (_, _) => Resume());
        _reserve.TryFill();
        _io.Start();
    });

    public void OnFailed(Exception exception) => Pause(exception);

    /// <summary>For the dump of a loop.</summary>
    public override string ToString() => $"{listener.EndPoint}";

    internal async Task StopAsync()
    {
        try
        {
            await worker.Loop.InvokeAsync(Stop).WaitAsync(Workers.Patience).ConfigureAwait(false);
        }
        catch (Exception e) when (e is ObjectDisposedException or TimeoutException)
        {
            socket.Dispose(); // an exception has ended the loop, or a handler blocks its thread
        }
    }

    private void Stop()
    {
        // null if the start has failed
        if (_io is not null && _backOff is not null)
        {
            // The peers of the connections in the backlog are connected already. Closing the socket would reset them. New connections
            // may arrive without end, so the acceptor takes no more than the kernel's queue can hold.
            Accept(worker.Options.Backlog + 1L);
        }

        _io?.Dispose();
        _backOff?.Dispose();
        _reserve.Dispose();
        socket.Dispose();
    }

    private void Accept(long max)
    {
        try
        {
            for (long i = 0; i < max && socket.TryAccept(out Socket? accepted); i++)
            {
                bool isLow = DescriptorReserve.IsLow(accepted);
                Serve(accepted);

                if (isLow)
                {
                    Pause(DescriptorReserve.Shortage());
                    return;
                }
            }
        }
        catch (SocketException e)
        {
            Pause(e);
        }
        catch (ObjectDisposedException)
        {
            // StopAsync did not wait for this thread
        }
    }

    private void Serve(Socket accepted)
    {
        try
        {
            if (worker.Options.NoDelay && accepted.AddressFamily != AddressFamily.Unix)
            {
                accepted.NoDelay = true;
            }

            var connection = new Connection(workers?.Next() ?? worker, accepted);
            connection.Begin();
            listener.Deliver(connection);
        }
        catch (SocketException)
        {
            accepted.Dispose(); // the peer is gone already
        }
    }

    private void Pause(Exception exception)
    {
        _shortage = exception;
        _reserve.Release();
        _io!.Stop();
        _backOff!.Restart();
        Report();
    }

    private void Resume()
    {
        if (_reserve.TryResume(listener.HasConnections))
        {
            _io!.Start();
        }
        else
        {
            _backOff!.Restart();
            Report();
        }
    }

    private void Report()
    {
        double now = worker.Loop.Now();

        if (now - _reported is >= ReportInterval or < 0)
        {
            _reported = now;
            Log.AcceptFailed(worker.Logger, listener.EndPoint, BackOff * 1000, _shortage!);
        }
    }
}
