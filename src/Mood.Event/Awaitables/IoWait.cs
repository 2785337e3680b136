using System;
using System.Runtime.InteropServices;
using System.Threading;

namespace Mood.Event;

/// <summary>A wait for a file descriptor. At each event of the fd it tries to complete the operation.</summary>
/// <remarks>
/// While the continuation runs, the watcher of a socket stays active (<see cref="Waits.Renewable"/>). If the continuation waits for
/// the same events of the same socket, the wait is renewed: no watcher is started or stopped, and the kernel is not called. The pool
/// makes this likely, because it returns the wait that came back last. If the wait is not renewed, its watcher is stopped when the
/// continuation returns. The backends are level-triggered, so a renewed wait misses no event.
/// </remarks>
/// <typeparam name="TResult">The type of the result.</typeparam>
internal abstract class IoWait<TResult> : Wait<TResult>
{
    // made on the loop's thread, when the first wait begins
    private Io? _io;

    // BeginPosted as a delegate, made by the first thread that posts
    private Action? _begin;

    // The arguments of a posted Begin. Written by the thread that posts; read by the loop's thread, which clears the references.
    private FileDescriptor _fd;
    private Events _events;
    private CancellationToken _cancellation;

    private protected IoWait(Loop loop, WaitPool? pool)
        : base(loop, pool)
    {
    }

    /// <summary>The exception that ends the wait because its stream is disposed; null if the wait may go on.</summary>
    private protected virtual ObjectDisposedException? OwnerDisposed => null;

    internal sealed override void Free() => _io?.Dispose();

    /// <summary>Whether the program will probably wait for the same socket again, so that the watcher should stay
    /// active.</summary>
    private protected virtual bool IsRenewable(TResult result) => true;

    /// <summary>The handle of the socket if the result says that there is nothing more to receive: see <see cref="Waits.Drained"/>.</summary>
    private protected virtual SafeHandle? FindDrained(TResult result) => null;

    /// <summary>Starts the watcher, and with it the wait. The loop is claimed.</summary>
    private protected void Begin(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        _io ??= new Io(Loop, OnEvent, this);

        if (Loop.Waits.TryRenew(_io, fd, events))
        {
            Begin(cancellationToken);
            return;
        }

        try
        {
            _io.Watch(fd, events);
        }
        catch (EventException) when (fd.IsClosed)
        {
            throw fd.ClosedException(); // another thread has closed it a moment ago
        }

        Begin(cancellationToken);
    }

    /// <summary>Starts the wait from any thread. A thread that may not use the loop posts the start. Then the continuation
    /// does not run inline on the loop's thread.</summary>
    private protected void BeginAnywhere(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        if (Loop.TryClaim(out Loop.Claim claim))
        {
            using (claim)
            {
                // Dispose on another thread sets IsDisposed before it claims the loop: it has found no wait to end.
                if (OwnerDisposed is ObjectDisposedException disposed)
                {
                    throw disposed;
                }

                ContinuesElsewhere = false;
                Begin(fd, events, cancellationToken);
            }

            return;
        }

        ContinuesElsewhere = true;
        (_fd, _events, _cancellation) = (fd, events, cancellationToken);

        if (!Loop.TryPost(_begin ??= BeginPosted))
        {
            Error.Throw_Disposed(Loop);
        }
    }

    private protected sealed override void StopWatching()
    {
        if (Loop.Waits.Renewable != _io)
        {
            _io!.Unwatch();
        }
    }

    /// <summary>Tries to complete the operation. The fd is ready.</summary>
    /// <returns>False: it would block, and the wait goes on. True: it is done, with a result or an exception.</returns>
    private protected abstract bool TryFinish(Events revents, out TResult result, out Exception? exception);

    private void BeginPosted()
    {
        FileDescriptor fd = _fd;
        CancellationToken cancellation = _cancellation;
        (_fd, _cancellation) = (default, default);
        Exception? thrown = OwnerDisposed;

        if (thrown is null)
        {
            try
            {
                Begin(fd, _events, cancellation);
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

        if (OwnerDisposed is ObjectDisposedException disposed)
        {
            Complete(default!, disposed); // the stream's Dispose is posted, and has not run yet
        }
        else if (TryFinish(revents, out TResult result, out Exception? exception))
        {
            if (exception is null && !ContinuesElsewhere && io.IsRenewable && IsRenewable(result))
            {
                CompleteRenewable(io, result);
            }
            else
            {
                Complete(result, exception);
            }
        }
    }

    // When Complete returns, this object may serve another wait, and its fields belong to that one. So Waits tells whether the
    // wait was renewed.
    private void CompleteRenewable(Io io, TResult result)
    {
        Waits waits = Loop.Waits;
        waits.SetRenewable(io, FindDrained(result));

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
