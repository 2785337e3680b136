using System;
using System.Threading;
using System.Threading.Tasks;
using System.Threading.Tasks.Sources;

namespace Mood.Event;

/// <summary>An awaitable that a watcher resolves. One object serves many waits, one after the other.</summary>
/// <remarks>
/// <code>
///   idle       in a pool, or owned by its stream or enumeration
///     |  Begin: the watcher is started, the cancellation registered
///   waiting
///     |  the watcher was called         the result
///     |  cancelled, through the loop    OperationCanceledException
///     |  libev stopped the watcher      EventException
///     |  the handle was closed          ObjectDisposedException
///     |  the loop was disposed          ObjectDisposedException
///   resolved   the watcher is stopped; the continuation is called at once, or later by OnCompleted
///     |  GetResult
///   idle       or dropped, if a late cancellation may still come, or the loop is closed
/// </code>
/// A wait begins and ends on the loop's thread only, so that it ends exactly once, without a lock. A cancellation comes from any
/// thread. It is posted to the loop, and does nothing if the wait has ended. It must not cancel the next wait of the same object.
/// So if a cancellation has begun and cannot be taken back, the object is not used again.
/// </remarks>
/// <typeparam name="TResult">The type of the result.</typeparam>
internal abstract class Wait<TResult> : Wait, IValueTaskSource<TResult>, IValueTaskSource
{
    private static readonly Action<object?> s_cancel = static reference => AskToCancel((WeakReference<Wait<TResult>>)reference!);

    private readonly WaitPool? _pool;

    // Written by the loop's thread when the wait ends, and by the awaiter's thread in OnCompleted and GetResult; the core orders the two.
    private ManualResetValueTaskSourceCore<TResult> _core;

    // Loop's thread, from Begin to the end of the wait; _token until GetResult.
    private CancellationToken _token;
    private CancellationTokenRegistration _registration;

    // The state of the token's callback, made with the first token. It is weak, because a token may live longer than an abandoned
    // loop, and must not keep the loop in memory.
    private WeakReference<Wait<TResult>>? _self;

    // Written by the loop's thread. The thread that calls GetResult sets Idle.
    private State _state;

    // The loop's own context if the awaiter has captured it, or null. With it, the end of the wait calls the continuation directly,
    // in this context, and does not post it. Written in OnCompleted, before the core gets the continuation.
    private SynchronizationContext? _context;

    // Whether a late cancellation of this object may still come. Written by the loop's thread before the wait ends.
    private bool _isSpoilt;

    /// <summary>Makes an idle wait.</summary>
    /// <param name="loop">The loop that it belongs to.</param>
    /// <param name="pool">Where it goes when it is idle again; null: it is not kept.</param>
    private protected Wait(Loop loop, WaitPool? pool)
    {
        Loop = loop;
        _pool = pool;
    }

    private enum State
    {
        Idle,
        Waiting,
        Resolved,
    }

    internal Loop Loop { get; }

    private protected bool IsWaiting => _state == State.Waiting;

    /// <summary>Whether the continuation must not run where the wait ends, because the wait was begun on another thread.</summary>
    private protected bool ContinuesElsewhere
    {
        get => _core.RunContinuationsAsynchronously;
        set => _core.RunContinuationsAsynchronously = value;
    }

    private protected short Version => _core.Version;

    /// <inheritdoc/>
    public ValueTaskSourceStatus GetStatus(short token)
    {
        CheckFirst(token);
        return _core.GetStatus(token);
    }

    /// <inheritdoc/>
    public void OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
    {
        // A second await. An exception here would end the process, because the awaiter's builder throws it on the thread pool. So the
        // continuation is called, and GetResult throws. The first continuation is not overwritten.
        if (token != _core.Version || Waiter is not null)
        {
            continuation(state);
            return;
        }

        // If the wait has ended already, the core schedules the continuation in the captured context.
        if ((flags & ValueTaskSourceOnCompletedFlags.UseSchedulingContext) == 0
            || ContinuesElsewhere
            || _core.GetStatus(token) != ValueTaskSourceStatus.Pending)
        {
            Waiter = state; // before the core gets the continuation, because GetResult may then clear it at once
            _core.OnCompleted(continuation, state, token, flags);
            return;
        }

        flags &= ~ValueTaskSourceOnCompletedFlags.UseSchedulingContext;
        Waiter = state;

        if (SynchronizationContext.Current is LoopSynchronizationContext context && context == Loop.SynchronizationContext)
        {
            _context = context;
        }
        else if (ForeignContinuation.Capture(continuation, state) is ForeignContinuation foreign)
        {
            (continuation, state) = (ForeignContinuation.Run, foreign);
        }

        _core.OnCompleted(continuation, state, token, flags);
    }

    /// <inheritdoc/>
    public TResult GetResult(short token)
    {
        CheckFirst(token);

        // This call is part of a second await, or its caller has not awaited the end. It must not recycle the wait.
        if (_core.GetStatus(token) == ValueTaskSourceStatus.Pending)
        {
            Error.Throw_AwaitedTwice();
        }

        try
        {
            return _core.GetResult(token);
        }
        finally
        {
            Recycle();
        }
    }

    /// <inheritdoc/>
    void IValueTaskSource.GetResult(short token) => GetResult(token);

    /// <inheritdoc/>
    internal override void EndStopped(Exception exception)
    {
        try
        {
            Continue(default!, exception);
        }
#pragma warning disable CA1031 // any exception: the continuation threw it, and the caller must go on
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.Report(e);
        }
    }

    /// <inheritdoc/>
    internal override bool TryStop()
    {
        if (_state != State.Waiting)
        {
            return false;
        }

        StopWatching(); // if it throws, the wait continues
        _state = State.Resolved;

        // Unregister may wait for a lock of the token. An exception here would leave a wait that has stopped and never ends.
        if (_token.CanBeCanceled)
        {
            Uninterrupted.Run(static wait => wait._isSpoilt = !wait._registration.Unregister(), this);
        }

        _registration = default;
        return true;
    }

    /// <summary>Begins the wait. The caller has started the watcher. If this method throws, it has stopped the watcher.</summary>
    private protected void Begin(CancellationToken token)
    {
        if (token.CanBeCanceled)
        {
            try
            {
                // A cancellation is always posted. So even one that comes now runs after this method, when the wait has begun.
                _registration = token.UnsafeRegister(s_cancel, _self ??= new WeakReference<Wait<TResult>>(this));
            }
            catch
            {
                StopWatching();
                throw;
            }

            _token = token;
        }

        _state = State.Waiting;
    }

    /// <summary>Ends the wait; does nothing if it has ended. An exception of the continuation leaves this method.</summary>
    private protected void Complete(TResult result, Exception? exception = null)
    {
        if (TryStop())
        {
            Continue(result, exception);
        }
    }

    /// <summary>Ends a wait that could not begin.</summary>
    private protected void CompleteUnbegun(Exception exception)
    {
        _state = State.Resolved;
        Continue(default!, exception);
    }

    /// <summary>Stops the watcher.</summary>
    private protected abstract void StopWatching();

    /// <summary>Called on any thread, after the result was fetched. Returns the wait to its pool. Nothing may touch the wait
    /// afterwards.</summary>
    /// <param name="isSpoilt">Whether it must not be used again.</param>
    private protected virtual void OnIdle(bool isSpoilt)
    {
        if (!isSpoilt && !Loop.IsClosed)
        {
            _pool?.Add(this);
        }
    }

    // Any thread. Nothing is left to do on a loop that is disposed, because Dispose has ended its waits, or that was collected.
    private static void AskToCancel(WeakReference<Wait<TResult>> reference)
    {
        if (reference.TryGetTarget(out Wait<TResult>? wait))
        {
            wait.Loop.TryPost(static cancelled => cancelled.Cancel(), wait);
        }
    }

    private void Cancel()
    {
        CancellationToken token = _token;

        if (TryStop())
        {
            _isSpoilt = false; // the cancellation has arrived
            Continue(default!, new OperationCanceledException(token));
        }
    }

    // After Resolve, this object may serve another wait already. So no field of it is used from then on.
    private void Continue(TResult result, Exception? exception)
    {
        Loop.Waits.Refill();
        SynchronizationContext? context = _context;

        if (context is null || context == SynchronizationContext.Current)
        {
            Resolve(result, exception);
            return;
        }

        SynchronizationContext? before = SynchronizationContext.Current;

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

    private void CheckFirst(short token)
    {
        if (token != _core.Version)
        {
            Error.Throw_AwaitedTwice();
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
        Waiter = null;
        _token = default;

        if (!isSpoilt)
        {
            _state = State.Idle;
        }

        OnIdle(isSpoilt);
    }
}
