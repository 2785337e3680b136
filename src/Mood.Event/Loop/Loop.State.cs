using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>libev's smaller calls, one to one.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Has the next iteration make the loop's kernel state anew (ev_loop_fork) and call the <see cref="Mood.Event.Fork"/>
    /// watchers.
    /// </summary>
    /// <exception cref="EventException">The system refuses a file descriptor.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Reset()
    {
        using Claim claim = Change();
        int error = Native.mood_loop_reset(_native);
        GC.KeepAlive(this);

        if (error < 0)
        {
            throw Error.Event_Native(-error, "The loop cannot be reset");
        }
    }

    /// <summary>
    /// The time as the loop sees it, in seconds since the epoch (ev_now): taken when it last waited, and the same for
    /// all callbacks of an iteration. Timers count from it.
    /// </summary>
    /// <param name="update">Whether to look at the clock first (ev_now_update): after a long computation, before
    /// starting a timer.</param>
    /// <returns>Seconds since 1970-01-01 UTC.</returns>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public double Now(bool update = false)
    {
        using Claim claim = update ? Change() : Read();

        if (IsClosed)
        {
            Error.Throw_Disposed(this);
        }

        if (update)
        {
            Native.mood_loop_now_update(_native);
        }

        double now = Native.mood_loop_now(_native);
        GC.KeepAlive(this);
        return now;
    }

    /// <summary>Says that the program will not run the loop for a while (ev_suspend): timers do not count that time.</summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Suspend()
    {
        using Claim claim = Change();
        Native.mood_loop_suspend(_native);
        _suspensions++;
        GC.KeepAlive(this);
    }

    /// <summary>Says that the loop is run again after <see cref="Suspend"/> (ev_resume).</summary>
    /// <exception cref="InvalidOperationException">There was no Suspend.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Resume()
    {
        using Claim claim = Change();

        if (_suspensions == 0)
        {
            throw Error.InvalidOperation_NotSuspended();
        }

        _suspensions--;
        Native.mood_loop_resume(_native);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Keeps <see cref="Start"/> from returning for want of active watchers (ev_ref), until <see cref="DecRef"/>.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void IncRef()
    {
        using Claim claim = Change();
        _references++;
        Native.mood_loop_ref(_native);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Takes back an <see cref="IncRef"/> (ev_unref). For a watcher that should not keep the loop alive there is
    /// <see cref="Watcher.KeepAlive"/>.
    /// </summary>
    /// <exception cref="InvalidOperationException">There was no IncRef left to take back.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void DecRef()
    {
        using Claim claim = Change();

        if (_references == 0)
        {
            throw Error.InvalidOperation_NotReferenced();
        }

        _references--;
        Native.mood_loop_unref(_native);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Acts as if the file descriptor were ready (ev_feed_fd_event): its active Io watchers become pending with those of
    /// the events that they watch for. An fd that none watches is ignored.
    /// </summary>
    /// <param name="fd">The file descriptor.</param>
    /// <param name="revents">Read, Write, both or None.</param>
    /// <exception cref="ArgumentException"><paramref name="revents"/> holds other bits.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void FeedFdEvent(int fd, Events revents)
    {
        using Claim claim = Change();
        Native.mood_loop_feed_fd(_native, fd, (int)Validate.IoEvents(revents, nameof(revents)));
        GC.KeepAlive(this);
    }

    /// <inheritdoc cref="FeedFdEvent(int, Events)"/>
    /// <param name="handle">An open file, pipe or socket.</param>
    /// <param name="revents">Read, Write, both or None.</param>
    public void FeedFdEvent(SafeHandle handle, Events revents) =>
        FeedFdEvent(FileDescriptor.From(handle, nameof(handle)).Number, revents);

    /// <inheritdoc cref="FeedFdEvent(int, Events)"/>
    /// <param name="socket">An open socket.</param>
    /// <param name="revents">Read, Write, both or None.</param>
    public void FeedFdEvent(Socket socket, Events revents) =>
        FeedFdEvent(FileDescriptor.From(socket, nameof(socket)).Number, revents);

    /// <summary>
    /// Makes this loop's watchers of a signal pending (ev_feed_signal_event). A signal that no watcher of this loop
    /// watches is ignored. From other threads: <see cref="Ev.FeedSignal(int)"/>.
    /// </summary>
    /// <param name="signum">The signal's number on this platform.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no signal of this number.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void FeedSignalEvent(int signum)
    {
        using Claim claim = Change();
        Native.mood_loop_feed_signal(_native, Validate.Signum(signum, nameof(signum)));
        GC.KeepAlive(this);
    }

#if NET8_0_OR_GREATER
    /// <inheritdoc cref="FeedSignalEvent(int)"/>
    /// <param name="signal">The signal.</param>
    public void FeedSignalEvent(PosixSignal signal) => FeedSignalEvent(Signum.From(signal));
#endif

    /// <summary>
    /// Checks libev's data structures (ev_verify). When they are corrupt, which is a bug of this library or a stray
    /// pointer, it writes what is wrong to standard error and aborts the process.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Verify()
    {
        using Claim claim = Change();
        Native.mood_loop_verify(_native);
        GC.KeepAlive(this);
    }
}
