using System;
using System.Net.Sockets;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Accepts connections.</content>
public sealed partial class LoopServer
{
    // seconds
    private const double BackOff = 0.1, ReportInterval = 10;

    private readonly DescriptorReserve _reserve = new();

    // Cancelled by the first stop. Then no connection is accepted any more, except those in the backlog.
    private readonly CancellationTokenSource _accepting = new();

    // Only the loop's thread uses the fields below.

    // AcceptAllAsync; null before the loop has begun it.
    private Task? _acceptor;

    // Completed when there are fewer than _maxConnections connections again. Null while the acceptor does not wait for that.
    private TaskCompletionSource? _room;

    // The loop's time of the last report that no connection can be accepted.
    private double _reported = double.NegativeInfinity;

    private void Begin()
    {
        // The task fails if the loop is disposed. If that happens later, RunOnLoopAsync closes the server, and the exception is ignored.
        Task running = _loop.InvokeAsync(RunOnLoopAsync);

        if (running.IsFaulted)
        {
            _listener.Dispose();
            running.GetAwaiter().GetResult();
        }

        _loop.MainEnded += StopAfterMain;
        _ = running.ContinueWith(
            static task => _ = task.Exception, CancellationToken.None, TaskContinuationOptions.OnlyOnFaulted, TaskScheduler.Default);
    }

    // The endless delay keeps the loop alive. It ends when the loop is disposed, even if the acceptor does not wait on the loop then.
    private async Task RunOnLoopAsync()
    {
        if (_isOver)
        {
            return; // the server was stopped before the loop ran, so nothing would close what this method opens
        }

        try
        {
            ValueTask life = _loop.Delay(Timeout.InfiniteTimeSpan, _over.Token);
            CreateSweep();
            _reserve.TryFill();
            _acceptor = AcceptAllAsync();
            await life;
        }
        catch (OperationCanceledException)
        {
            // the server has stopped
        }
        catch (ObjectDisposedException)
        {
            CloseNow();
        }
    }

    // Throws nothing.
    private async Task AcceptAllAsync()
    {
        while (!_accepting.IsCancellationRequested)
        {
            try
            {
                if (_count < _maxConnections)
                {
                    Socket socket = await _listener.Socket.AcceptAsync(_loop, _accepting.Token);
                    bool isLow = DescriptorReserve.IsLow(socket);
                    Serve(socket);

                    if (isLow)
                    {
                        await BackOffAsync(DescriptorReserve.Shortage());
                    }
                }
                else
                {
                    _room = new TaskCompletionSource();
                    await _room.Task;
                    _room = null;
                }
            }
            catch (Exception e) when (e is SocketException or EventException) // an EventException: the kernel does not let epoll watch the socket
            {
                await BackOffAsync(e);
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    // The connection stays in the backlog, so the listening socket stays readable. Without a pause the loop would spin.
    private async Task BackOffAsync(Exception exception)
    {
        _reserve.Release();

        try
        {
            do
            {
                if (_loop.Now() - _reported is >= ReportInterval or < 0)
                {
                    _reported = _loop.Now();
                    _loop.Report(Error.Event_Accept(EndPoint, exception), $"the LoopServer on {EndPoint}");
                }

                await _loop.Delay(BackOff, _accepting.Token);
            }
            while (!_reserve.TryResume(_count > 0));
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // stopped, or the loop is disposed: the acceptor ends for the same reason
        }
    }

    // Accepts the connections that arrived before the stop, because for their peers they are already connected. New ones may arrive
    // without end, so it accepts no more than the kernel's queue can hold.
    private void AcceptBacklog()
    {
        try
        {
            for (int left = _backlog; left >= 0 && _count < _maxConnections && _listener.Socket.TryAccept(out Socket? socket); left--)
            {
                bool isLow = DescriptorReserve.IsLow(socket);
                Serve(socket);

                if (isLow)
                {
                    return; // the kernel resets the other connections
                }
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // no file descriptor is left: the kernel resets the connections
        }
    }
}
