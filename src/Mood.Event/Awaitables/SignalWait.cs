#if NET8_0_OR_GREATER
using System;
using System.Collections.Generic;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// An enumeration of signals: the watcher is active from the first MoveNextAsync to DisposeAsync, and a signal that comes while
/// nobody waits is remembered, once.
/// </summary>
internal sealed class SignalWait : Wait<bool>, IAsyncEnumerator<int>
{
    private readonly Signal _signal;
    private readonly CancellationToken _cancellation;
    private readonly CancellationTokenSource? _linked;
    private bool _came, _isDisposed;

    private SignalWait(Loop loop, int signum, CancellationTokenSource? linked, CancellationToken cancellation)
        : base(loop)
    {
        _signal = new Signal(loop, signum, OnSignal, data: this);
        _cancellation = linked?.Token ?? cancellation;
        _linked = linked;
    }

    /// <inheritdoc/>
    public int Current => _signal.Signum;

    /// <inheritdoc/>
    public ValueTask<bool> MoveNextAsync()
    {
        using Loop.Claim claim = Loop.Change();

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

        if (_came)
        {
            _came = false;
            return new ValueTask<bool>(true);
        }

        Begin(_cancellation);
        return new ValueTask<bool>(this, Version);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _signal.Dispose();
        _isDisposed = true;
        _linked?.Dispose();
        Fail(Error.ObjectDisposed(this));
        return default;
    }

    internal override void Free() => _signal.Dispose();

    private protected override void StopWatching()
    {
        // it goes on: the next signal may come before the next MoveNextAsync
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        // used again whatever comes late: that can only be the same cancellation
    }

    private void OnSignal(Signal signal, Events revents)
    {
        if (IsWaiting)
        {
            Succeed(true);
        }
        else
        {
            _came = true;
        }
    }

    /// <summary>The signals, for as many enumerations as are asked for.</summary>
    internal sealed class Sequence(Loop loop, int signum, CancellationToken cancellation) : IAsyncEnumerable<int>
    {
        /// <inheritdoc/>
        public IAsyncEnumerator<int> GetAsyncEnumerator(CancellationToken cancellationToken = default)
        {
            if (!cancellation.CanBeCanceled || cancellation == cancellationToken)
            {
                return new SignalWait(loop, signum, linked: null, cancellationToken);
            }

            CancellationTokenSource? linked = cancellationToken.CanBeCanceled
                ? CancellationTokenSource.CreateLinkedTokenSource(cancellation, cancellationToken)
                : null;
            return new SignalWait(loop, signum, linked, cancellation);
        }
    }
}
#endif
