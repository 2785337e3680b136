using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>An enumeration of <see cref="Loop.Signals(int, CancellationToken)"/>. Its watcher is active from the first MoveNextAsync to
/// DisposeAsync. The signals that come between two calls of MoveNextAsync are remembered as one.</summary>
internal sealed class SignalEnumerator : Wait<bool>, IAsyncEnumerator<int>
{
    private readonly Signal _signal;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource? _linked;

    // Loop's thread.
    private bool _isRemembered, _isDisposed;

    private SignalEnumerator(Loop loop, int signum, CancellationToken first, CancellationToken second)
        : base(loop, pool: null)
    {
        _signal = new Signal(loop, signum, OnSignal) { Wait = this };

        // Made last, because it must be disposed: an exception later in the constructor would leave it undisposed.
        if (first.CanBeCanceled && second.CanBeCanceled && first != second)
        {
            _linked = CancellationTokenSource.CreateLinkedTokenSource(first, second);
            _cancellation = _linked.Token;
        }
        else
        {
            _cancellation = first.CanBeCanceled ? first : second;
        }
    }

    /// <inheritdoc/>
    public int Current => _signal.Signum;

    /// <inheritdoc/>
    public ValueTask<bool> MoveNextAsync()
    {
        using Loop.Claim claim = Loop.ClaimToChange();

        if (_isDisposed)
        {
            return new ValueTask<bool>(false);
        }

        if (_cancellation.IsCancellationRequested)
        {
            return ValueTask.FromCanceled<bool>(_cancellation);
        }

        if (IsWaiting)
        {
            throw Error.InvalidOperation_Moving();
        }

        _signal.Start();

        if (_isRemembered)
        {
            _isRemembered = false;
            return new ValueTask<bool>(true);
        }

        Begin(_cancellation);
        return new ValueTask<bool>(this, Version);
    }

    /// <summary>Stops the watcher. On another thread than the loop's it posts the stop, and the task ends when the watcher is
    /// stopped.</summary>
    public ValueTask DisposeAsync()
    {
        if (Loop.IsRescheduling || !Loop.TryClaim(out Loop.Claim claim))
        {
            return new ValueTask(DisposeOnLoopAsync());
        }

        bool isWaiting;

        using (claim)
        {
            isWaiting = Stop();
        }

        End(isWaiting);
        return default;
    }

    internal override void Free() => _signal.Dispose();

    private protected override void StopWatching()
    {
        // the next signal may come before the next MoveNextAsync
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        // A late cancellation does no harm, because all waits of an enumeration have the same token. So a spoilt wait is used again.
    }

    private async Task DisposeOnLoopAsync()
    {
        try
        {
            await Loop.InvokeAsync(() => End(Stop())).ConfigureAwait(false);
        }
        catch (ObjectDisposedException)
        {
            End(isWaiting: false); // the loop's Dispose has disposed the watcher, and ends the wait
        }
    }

    // The loop is claimed.
    private bool Stop()
    {
        _signal.Dispose();
        _isDisposed = true;
        return TryStop();
    }

    // No claim is held, because Dispose of the linked source may wait for user code, and the continuation is user code.
    private void End(bool isWaiting)
    {
        _linked?.Dispose();

        if (isWaiting)
        {
            EndStopped(new ObjectDisposedException("Mood.Event.Loop.Signals"));
        }
    }

    private void OnSignal(Signal signal, Events revents)
    {
        if (IsWaiting)
        {
            Complete(true);
        }
        else
        {
            _isRemembered = true;
        }
    }

    /// <summary>The signals, for any number of enumerations.</summary>
    internal sealed class Sequence(Loop loop, int signum, CancellationToken cancellation) : IAsyncEnumerable<int>
    {
        /// <inheritdoc/>
        public IAsyncEnumerator<int> GetAsyncEnumerator(CancellationToken cancellationToken = default) =>
            new SignalEnumerator(loop, signum, cancellation, cancellationToken);
    }
}
