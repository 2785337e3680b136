using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>The end of a server.</content>
public sealed partial class LoopServer
{
    // The seconds between the cancellation of the handlers' tokens and the close of their connections. As many seconds later, the server
    // reports the handlers that still run.
    private const double LastCall = 1;

    // Cancelled when the server has stopped, on the loop's thread. It ends the delays of the server.
    private readonly CancellationTokenSource _over = new();

    // Set when the server has stopped. Continuations run inline in the loop's context, so that they run before Dispose of the loop returns.
    private readonly TaskCompletionSource _stopped = new();

    // Whether StopAsync was called. Any thread sets it, the loop's thread reads it.
    private volatile bool _isStopAsked;

    // Only the loop's thread uses the fields below.

    // The stop, from the first StopAsync on.
    private Task? _stop;

    // Not null while the stop waits for the last handler.
    private TaskCompletionSource? _allEnded;

    // The task that a handler's call of StopAsync returns. It completes when only handlers that have called StopAsync still run. Null until
    // a handler calls StopAsync.
    private TaskCompletionSource? _othersEnded;

    // _areCancelled: the tokens of the handlers are cancelled. _isClosed: the stop has accepted the connections of the backlog and closed the
    // listening socket, so no handler begins any more. _isOver: the server has stopped (End).
    private bool _areCancelled, _isClosed, _isOver;

    /// <summary>Stops the server. It accepts no more connections and waits for the handlers. After the grace it cancels the
    /// tokens of the handlers that still run, and closes their connections one second later.</summary>
    /// <remarks>
    /// <para>Connections that wait in the backlog at the time of the stop are still served, up to
    /// <see cref="LoopServerOptions.MaxConnections"/> and while at least 16 file descriptors are free. The kernel resets the
    /// others. With a grace of 0 it resets all of them. The server deletes the file of its Unix domain socket, unless another
    /// server has replaced the file.</para>
    /// <para>StopAsync may be called several times. The shortest grace counts. A handler may await it too. Then the task ends when
    /// only handlers that have called StopAsync still run. A call from a task or a timer that a handler has started counts as a call
    /// of this handler until the handler ends.</para>
    /// <para>If no thread runs the loop, a call on the loop's own thread closes everything at once, and a call on another thread
    /// waits until the loop runs or is disposed.</para>
    /// <para>If handlers still run one second after their connections were closed, the server reports that to
    /// <see cref="Loop.CallbackException"/> and does not wait for them.</para>
    /// </remarks>
    /// <param name="grace">How long the handlers may run before their tokens are cancelled. <see cref="TimeSpan.Zero"/> cancels
    /// the tokens at once. <see cref="Timeout.InfiniteTimeSpan"/> never cancels them.</param>
    /// <returns>A task that ends when the server has stopped. It does not fail.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="grace"/> is negative and not infinite.</exception>
    public Task StopAsync(TimeSpan grace) => StopCore(GraceOf(grace, nameof(grace)), FindCaller());

    /// <inheritdoc cref="StopAsync(TimeSpan)"/>
    /// <param name="graceSeconds">How long the handlers may run before their tokens are cancelled, in seconds. 0 cancels the
    /// tokens at once.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="graceSeconds"/> is negative, NaN or infinite.</exception>
    public Task StopAsync(double graceSeconds) => StopCore(Validate.NotNegative(graceSeconds, nameof(graceSeconds)), FindCaller());

    /// <summary>Stops the server without a grace: see <see cref="StopAsync(TimeSpan)"/>.</summary>
    /// <returns>A task that ends when the server has stopped.</returns>
    public ValueTask DisposeAsync() => new(StopCore(0, FindCaller()));

    /// <summary>The seconds of a grace; infinity for Timeout.InfiniteTimeSpan.</summary>
    internal static double GraceOf(TimeSpan grace, string parameter) => grace == Timeout.InfiniteTimeSpan
        ? double.PositiveInfinity
        : Validate.NotNegative(grace.TotalSeconds, parameter);

    // caller: the connection whose handler may await the stop, or null.
    private Task StopCore(double grace, ServerConnection? caller)
    {
        _isStopAsked = true;

        if (_stopped.Task.IsCompleted)
        {
            return Task.CompletedTask;
        }

        // A reschedule function must not stop watchers, so there the stop is always posted.
        if (!Loop.IsRescheduling && _loop.TryClaimToCall(out Loop.Claim claim, out Loop.Claim itself))
        {
            using (claim)
            using (itself)
            {
                if (!_loop.IsRunning)
                {
                    CloseNow(); // no handler can end, because no thread runs the loop
                    return Task.CompletedTask;
                }
            }
        }

        return StopAnywhereAsync(grace, caller);
    }

    // A StopAsync that has begun keeps its grace.
    private Task StopAfterMain() => _isStopAsked ? _stopped.Task : StopAtEnd();

    // No handler awaits this stop, even if a handler has cancelled the token or ended the main function.
    private Task StopAtEnd() => StopCore(GraceOf(_shutdownTimeout, nameof(LoopServerOptions.ShutdownTimeout)), null);

    private async Task StopAnywhereAsync(double grace, ServerConnection? caller)
    {
        // The caller awaits this in the loop's context. If Dispose of the loop ends the wait, the caller's continuation must be posted during
        // Dispose, so by this thread. The thread pool would post it later.
        if (LoopSynchronizationContext.IsCurrent(_loop))
        {
            await Task.Yield();
            await StopOnLoopAsync(grace, caller);
            return;
        }

        try
        {
            await _loop.InvokeAsync(() => StopOnLoopAsync(grace, caller)).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            // the loop's Dispose has closed the server
        }
    }

    private Task StopOnLoopAsync(double grace, ServerConnection? caller)
    {
        if (!_isOver && double.IsFinite(grace))
        {
            _ = CancelAfterAsync(grace);
        }

        _stop ??= FinishAsync();

        // not _stop, which does not end if the loop is disposed meanwhile
        return caller is null ? _stopped.Task : WaitForOthersAsync(caller);
    }

    // The stop waits for the caller's handler, so the handler must not wait for the stop. But the caller may be another task that the
    // handler has started. After the end of the handler it waits for the stop like any other code.
    private async Task WaitForOthersAsync(ServerConnection caller)
    {
        caller.AwaitsStop = true;
        _othersEnded ??= new TaskCompletionSource();
        TellStoppingHandlers();
        await _othersEnded.Task;

        if (caller.HasEnded)
        {
            await _stopped.Task;
        }
    }

    private void TellStoppingHandlers()
    {
        if (_othersEnded is not null
            && (_isOver || (_isClosed && Array.TrueForAll(Connections(), static connection => connection.AwaitsStop))))
        {
            _othersEnded.TrySetResult();
        }
    }

    private async Task FinishAsync()
    {
        StopAccepting();

        if (_acceptor is not null)
        {
            await _acceptor;
        }

        if (!_areCancelled && !_isOver)
        {
            AcceptBacklog();
        }

        CloseListener();
        _isClosed = true;
        TellStoppingHandlers();

        if (_count > 0 && !_isOver)
        {
            _allEnded = new TaskCompletionSource();
            await _allEnded.Task;
        }

        End();
    }

    private async Task CancelAfterAsync(double grace)
    {
        try
        {
            if (grace > 0)
            {
                await _loop.Delay(grace, _over.Token);
            }

            if (_areCancelled)
            {
                return;
            }

            _areCancelled = true;
            CancelAll();
            await _loop.Delay(LastCall, _over.Token);
            CloseAll();
            await _loop.Delay(LastCall, _over.Token);
            _loop.Report(Error.InvalidOperation_HandlersLeft(EndPoint, _count), $"the LoopServer on {EndPoint}");
            _allEnded?.TrySetResult();
        }
        catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
        {
            // stopped, or the loop is disposed
        }
    }

    /// <summary>Closes everything: the loop was disposed, or no thread runs it.</summary>
    private void CloseNow()
    {
        _areCancelled = true;
        StopAccepting();
        CloseListener();
        CancelAll();
        CloseAll();
        _allEnded?.TrySetResult();
        End();
    }

    private void StopAccepting()
    {
        _accepting.Cancel();
        _room?.TrySetResult();
    }

    private void CloseListener()
    {
        _listener.Dispose();
        _reserve.Dispose();
    }

    private void CancelAll()
    {
        foreach (ServerConnection connection in Connections())
        {
            connection.Cancel();
        }
    }

    private void CloseAll()
    {
        foreach (ServerConnection connection in Connections())
        {
            connection.Close(reset: true);
        }
    }

    private void End()
    {
        if (_isOver)
        {
            return;
        }

        _isOver = true;
        _loop.MainEnded -= StopAfterMain;
        _sweep?.Dispose();
        _over.Cancel();
        TellStoppingHandlers();
        _stopped.TrySetResult(); // last, because it calls user code
    }
}
