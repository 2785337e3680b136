#if NET8_0_OR_GREATER
using System;
using System.Net.Sockets;
using System.Threading;
using Mood.Event.Handles;

namespace Mood.Event;

/// <summary>An awaitable that ends when something could be done with a file descriptor: it is tried at every event.</summary>
/// <typeparam name="TResult">What is waited for.</typeparam>
internal abstract class IoWait<TResult> : Wait<TResult>
{
    // made on the loop's thread, where the first wait begins
    private Io? _io;

    // on the way to the loop's thread
    private Action? _begin;
    private FileDescriptor _fd;
    private Events _events;
    private CancellationToken _cancellation;

    private protected IoWait(Loop loop)
        : base(loop)
    {
    }

    internal sealed override void Free() => _io?.Dispose();

    /// <summary>Starts the watcher, and with it the wait. The loop is claimed.</summary>
    private protected void Begin(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        _io ??= new Io(Loop, OnEvent, this);
        _io.Watch(fd, events);
        Begin(cancellationToken);
    }

    /// <summary>
    /// The same on any thread. From another one than the loop's it is posted, and what follows the await does not run on the
    /// loop's thread either.
    /// </summary>
    private protected void BeginAnywhere(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        if (Loop.TryVisit(out Loop.Claim claim))
        {
            using (claim)
            {
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

    private protected sealed override void StopWatching() => _io!.Unwatch();

    /// <summary>Whether who waits has been disposed meanwhile.</summary>
    private protected virtual bool IsOver => false;

    /// <summary>The fd is ready: ends the wait, or leaves it for the next event.</summary>
    private protected abstract void OnReady(Events revents);

    private void BeginPosted()
    {
        FileDescriptor fd = _fd;
        CancellationToken cancellation = _cancellation;
        (_fd, _cancellation) = (default, default);

        Exception thrown;

        try
        {
            if (!IsOver)
            {
                Begin(fd, _events, cancellation);
                return;
            }

            thrown = Error.ObjectDisposed(this);
        }
#pragma warning disable CA1031 // any exception: it is the awaiter's
        catch (Exception e)
#pragma warning restore CA1031
        {
            thrown = fd.IsClosed ? new ObjectDisposedException(typeof(Socket).FullName) : e;
        }

        FailAtOnce(thrown);
    }

    private void OnEvent(Io io, Events revents)
    {
        if (IsOver)
        {
            Fail(Error.ObjectDisposed(this)); // its Dispose is on the way to the loop
        }
        else if (IsWaiting)
        {
            OnReady(revents);
        }
    }
}
#endif
