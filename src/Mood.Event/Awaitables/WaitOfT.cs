#if NET8_0_OR_GREATER
using System;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Mood.Event;

/// <summary>
/// Something to await that a watcher resolves, used again and again.
/// <code>
///   idle       in a pool, or nobody's
///     |  Begin: the watcher is started, the cancellation registered
///   waiting
///     |  the watcher was called         the result
///     |  cancelled, through the loop    OperationCanceledException
///     |  libev stopped the watcher      EventException
///     |  the loop was disposed          ObjectDisposedException
///   resolved   the watcher is stopped, the continuation has been called or will be by OnCompleted
///     |  GetResult
///   idle       or, where a cancellation that was too late is still on its way, or the loop is closed: dropped
/// </code>
/// Waiting begins and ends on the loop's thread only, hence exactly once and without a lock. A cancellation comes from any
/// thread: it goes through the loop's queue, and finds the wait waiting or does nothing. It must not find the next wait
/// that the same object is used for: when it cannot be taken back any more, the object is not used again.
/// </summary>
/// <typeparam name="TResult">What is waited for.</typeparam>
internal abstract class Wait<TResult> : Wait, IValueTaskSource<TResult>, IValueTaskSource
{
    private static readonly Action<object?> s_cancel = static wait => ((Wait<TResult>)wait!).AskToCancel();

    private readonly Action _cancel;
    private ManualResetValueTaskSourceCore<TResult> _core;
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;
    private State _state;

    // the loop's own context was captured: the continuation is called where the wait ends, for that is the loop's thread
    private SynchronizationContext? _context;

    private bool _isSpoilt;

    private protected Wait(Loop loop)
    {
        Loop = loop;
        _cancel = Cancel;
    }

    private enum State
    {
        Idle,
        Waiting,
        Resolved,
    }

    internal Loop Loop { get; }

    private protected bool IsWaiting => _state == State.Waiting;

    /// <summary>Whether the continuation must not run where the wait ends: its caller was not on the loop's thread.</summary>
    private protected bool ContinuesElsewhere
    {
        get => _core.RunContinuationsAsynchronously;
        set => _core.RunContinuationsAsynchronously = value;
    }

    private protected short Version => _core.Version;

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

    /// <inheritdoc/>
    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) != 0
            && !ContinuesElsewhere
            && SynchronizationContext.Current is LoopSynchronizationContext context
            && context == Loop.SynchronizationContext)
        {
            _context = context;
            flags &= ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext;
        }

        _core.OnCompleted(continuation, state, token, flags);
    }

    /// <inheritdoc/>
    public TResult GetResult(short token)
    {
        // of a token that is not the current one, and of a wait that is not over, the core throws, and nothing ends here
        bool isOver = _core.GetStatus(token) != ValueTaskSourceStatus.Pending;

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            if (isOver)
            {
                Recycle();
            }
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <inheritdoc/>
    internal override void Fail(Exception exception)
    {
        if (Leave())
        {
            Continue(default!, exception);
        }
    }

    /// <summary>The watcher is started: from now on the wait can end.</summary>
    private protected void Begin(CancellationToken token)
    {
        _state = State.Waiting;

        if (token.CanBeCanceled)
        {
            _token = token;
            _registration = token.UnsafeRegister(s_cancel, this);
        }
    }

    /// <summary>Ends the wait with its result. Of one that is over it does nothing.</summary>
    private protected void Succeed(TResult result)
    {
        if (Leave())
        {
            Continue(result, exception: null);
        }
    }

    /// <summary>It never began, and ends with an exception all the same.</summary>
    private protected void FailAtOnce(Exception exception)
    {
        _state = State.Resolved;
        Continue(default!, exception);
    }

    /// <summary>Stops the watcher.</summary>
    private protected abstract void StopWatching();

    /// <summary>The result was fetched, on whatever thread: it is idle again.</summary>
    /// <param name="isSpoilt">Whether it must not be used again.</param>
    private protected abstract void OnIdle(bool isSpoilt);

    private bool Leave()
    {
        if (_state != State.Waiting)
        {
            return false;
        }

        _state = State.Resolved;
        StopWatching();
        _isSpoilt = _token.CanBeCanceled && !_registration.Unregister();
        _registration = default;
        return true;
    }

    // Any thread. Where the loop is disposed, so is the wait.
    private void AskToCancel() => Loop.TryPost(_cancel);

    private void Cancel()
    {
        CancellationToken token = _token;

        if (Leave())
        {
            _isSpoilt = false; // it has arrived
            Continue(default!, new OperationCanceledException(token));
        }
    }

    // Nothing of this object may be used afterwards: it may be waiting for something else already.
    private void Continue(TResult result, Exception? exception)
    {
        Loop.Waits.Renew();
        SynchronizationContext? context = _context, before = SynchronizationContext.Current;

        if (context is null || context == before)
        {
            Resolve(result, exception);
            return;
        }

        SynchronizationContext.SetSynchronizationContext(context);

        try
        {
            Resolve(result, exception);
        }
        finally
        {
            SynchronizationContext.SetSynchronizationContext(before);
        }
    }

    private void Resolve(TResult result, Exception? exception)
    {
        if (exception is null)
        {
            _core.SetResult(result);
        }
        else
        {
            _core.SetException(exception);
        }
    }

    private void Recycle()
    {
        bool isSpoilt = _isSpoilt;
        _core.Reset();
        _context = null;
        _token = default;

        if (!isSpoilt)
        {
            _state = State.Idle;
        }

        OnIdle(isSpoilt);
    }
}
#endif
