using System;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>A wait for a file descriptor. At each event of the fd it tries to complete its operation.</summary>
/// <remarks>
/// While the continuation runs, the watcher of a socket stays active (<see cref="Waits.Renewable"/>). If the continuation waits for
/// the same events of the same socket, the wait is renewed: no watcher is started or stopped, and the kernel is not called. The pool
/// makes this likely, because it returns the wait that came back last. If the wait is not renewed, its watcher is stopped when the
/// continuation returns. The backends are level-triggered, so a renewed wait misses no event.
/// </remarks>
/// <typeparam name="TOperation">The operation.</typeparam>
/// <typeparam name="TResult">The type of the result.</typeparam>
internal sealed class IoWait<TOperation, TResult> : Wait<TResult>
    where TOperation : struct, IIoOperation<TOperation, TResult>
{
    // After so many events that the operation could not use, the wait looks for their cause.
    private const int VainEvents = 8;

    // One delegate for all waits. A delegate in each would be a further object to load from memory at each event.
    private static readonly Action<Io, Events> s_onEvent =
        static (io, revents) => Unsafe.As<IoWait<TOperation, TResult>>(io.Wait!).OnEvent(io, revents);

    // made on the loop's thread, when the first wait begins
    private Io? _io;

    // How many events of the current wait the operation could not use since it last moved bytes, and how many bytes it had moved then.
    private int _vain;
    private long _moved;

    // From Begin to OnIdle. Written by the thread that begins the wait, and by the one that fetches the result.
    private TOperation _operation;

    /// <summary>Makes an idle wait.</summary>
    /// <param name="loop">The loop that it belongs to.</param>
    /// <param name="pool">The pool that takes the idle wait; null for the wait of a stream.</param>
    internal IoWait(Loop loop, WaitPool<IoWait<TOperation, TResult>>? pool)
        : base(loop, pool)
    {
    }

    /// <summary>The wait that has just begun, as a task. The loop is claimed.</summary>
    internal ValueTask<TResult> Task => new(this, Version);

    /// <summary>As <see cref="Task"/>, without the result.</summary>
    internal ValueTask UntypedTask => new(this, Version);

    /// <summary>Begins a wait of a pool. The loop is claimed.</summary>
    internal static IoWait<TOperation, TResult> Begin(Loop loop, in TOperation operation, FileDescriptor fd, CancellationToken token)
    {
        WaitPool<IoWait<TOperation, TResult>> pool = TOperation.PoolOf(loop.Waits)!;
        IoWait<TOperation, TResult> wait = pool.Take() ?? new IoWait<TOperation, TResult>(loop, pool);
        wait._operation = operation;
        wait.BeginCore(fd, token);
        return wait;
    }

    /// <summary>Begins the wait on any thread. A thread that may not use the loop posts the start. Then the continuation
    /// does not run inline on the loop's thread.</summary>
    /// <returns>The version for the ValueTask. The caller cannot read it afterwards, because a posted wait may end at any
    /// moment.</returns>
    internal short BeginAnywhere(in TOperation operation, FileDescriptor fd, CancellationToken token)
    {
        short version = Version;
        _operation = operation;

        if (Loop.TryClaim(out Loop.Claim claim))
        {
            using (claim)
            {
                // Another thread may have called Dispose of the stream just before this claim. It found no wait to end, so the wait must
                // not begin.
                if (TOperation.OwnerDisposed(_operation) is ObjectDisposedException disposed)
                {
                    throw disposed;
                }

                ContinuesElsewhere = false;
                BeginCore(fd, token);
            }

            return version;
        }

        ContinuesElsewhere = true;

        if (!Loop.TryPost(static item => item.Wait.BeginPosted(item.Fd, item.Token), (Wait: this, Fd: fd, Token: token)))
        {
            Error.Throw_Disposed(Loop);
        }

        return version;
    }

    internal override void Free() => _io?.Dispose();

    private protected override void StopWatching()
    {
        if (Loop.Waits.Renewable != _io)
        {
            _io!.Unwatch();
        }
    }

    private protected override void OnIdle(bool isSpoilt)
    {
        TOperation operation = _operation;
        _operation = default;
        base.OnIdle(isSpoilt);
        TOperation.OnIdle(operation, isSpoilt);
    }

    // Starts the watcher, and with it the wait. The loop is claimed.
    private void BeginCore(FileDescriptor fd, CancellationToken token)
    {
        _vain = 0;
        _moved = 0;
        _io ??= new Io(Loop, s_onEvent, this);

        if (!Loop.Waits.TryRenew(_io, fd, _operation.Events))
        {
            Watch(fd);
        }

        Begin(token);
    }

    private void Watch(FileDescriptor fd)
    {
        try
        {
            _io!.Watch(fd, _operation.Events);
        }
        catch (EventException) when (fd.IsClosed)
        {
            throw fd.ClosedException(); // another thread has closed it a moment ago
        }
    }

    private void BeginPosted(FileDescriptor fd, CancellationToken token)
    {
        Exception? thrown = TOperation.OwnerDisposed(_operation);

        if (thrown is null)
        {
            try
            {
                BeginCore(fd, token);
                return;
            }
#pragma warning disable CA1031 // any exception: the await throws it
            catch (Exception e)
#pragma warning restore CA1031
            {
                thrown = e;
            }
        }

        CompleteUnbegun(thrown);
    }

    private void OnEvent(Io io, Events revents)
    {
        if (!IsWaiting)
        {
            // The continuation itself runs the loop. Its wait cannot be renewed any more. Its watcher is stopped, because it would
            // call this method again and again.
            Loop.Waits.StopRenewable();
            return;
        }

        if (TOperation.OwnerDisposed(_operation) is ObjectDisposedException disposed)
        {
            Complete(default!, disposed); // the stream's Dispose is posted, and has not run yet
        }
        else if (TryFinish(revents, out TResult result, out Exception? exception))
        {
            if (exception is null && !ContinuesElsewhere && io.IsRenewable && TOperation.IsRenewable(_operation, result))
            {
                CompleteRenewable(io, result);
            }
            else
            {
                Complete(result, exception);
            }
        }
        else if (TOperation.Moved(_operation) is long moved && moved != _moved)
        {
            (_moved, _vain) = (moved, 0);
        }
        else if (++_vain == VainEvents)
        {
            _vain = 0;
            Loop.TryPost(static item => item.Wait.TakeError(item.Version), (Wait: this, Version));
        }
    }

    // A message in the error queue of the socket keeps the socket ready. Without the message, the next try reports the error or waits. This is
    // posted, so that it comes after the callbacks of the iteration: one of them may read the queue for the program.
    private void TakeError(short version)
    {
        if (version == Version && IsWaiting && !_io!.IsClosed && Native.mood_socket_take_error(_io.Fd) < 0)
        {
            Complete(default!, Error.Socket_ErrorQueue());
        }
    }

    // The memory of the caller may throw, for example because it is disposed. The wait ends then. Otherwise the loop would call it
    // again and again, because the fd stays ready.
    private bool TryFinish(Events revents, out TResult result, out Exception? exception)
    {
        try
        {
            return _operation.TryFinish(revents, out result, out exception);
        }
#pragma warning disable CA1031 // any exception: the await throws it
        catch (Exception e)
#pragma warning restore CA1031
        {
            (result, exception) = (default!, e);
            return true;
        }
    }

    // When Complete returns, this object may serve another wait already, so no field of it is read here. Waits has stored whether the
    // wait was renewed.
    private void CompleteRenewable(Io io, TResult result)
    {
        Waits waits = Loop.Waits;
        waits.SetRenewable(io, TOperation.FindDrained(_operation, result));

        try
        {
            Complete(result);
        }
        finally
        {
            waits.EndRenewable(io);
        }
    }
}
