using System;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <content>Members that correspond to one call of libev each.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Makes the next iteration create the loop's kernel state again, as after a fork, and call the <see cref="Mood.Event.Fork"/>
    /// watchers (ev_loop_fork).
    /// </summary>
    /// <remarks>
    /// A daemon that closes all file descriptors calls Reset afterwards. Between the two, no thread may wake the loop: no
    /// <see cref="Async.Send"/>, no <see cref="Post(Action)"/>, and no <see cref="Stop(BreakHow)"/> on another thread. A wake
    /// writes to a closed file descriptor, whose number may already belong to a new file.
    /// </remarks>
    /// <exception cref="EventException">The system refuses a file descriptor.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Reset()
    {
        using Claim claim = ClaimToChange();
        int error = Native.mood_loop_reset(_native);
        GC.KeepAlive(this);

        if (error < 0)
        {
            throw Error.Event_Native(-error, "The loop cannot be reset");
        }
    }

    /// <summary><see cref="Now"/> as a time in UTC, with the resolution of a double, about 0.25 microseconds.</summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public DateTimeOffset UtcNow => UnixTime.To(Now());

    /// <summary>
    /// The loop's time, in seconds since the epoch (ev_now). The loop reads the clock once after each wait, so all callbacks of
    /// an iteration get the same time. Timers count from it.
    /// </summary>
    /// <param name="update">Whether the loop reads the clock first (ev_now_update). Pass true to start a timer after a long
    /// computation. The default is false.</param>
    /// <returns>Seconds since 1970-01-01 UTC.</returns>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public double Now(bool update = false)
    {
        using Claim claim = update ? ClaimToChange() : ClaimToRead();

        if (IsClosed)
        {
            Error.Throw_Disposed(this);
        }

        // Resume moves the timers on by the time since libev last read the clock. So libev must not read it after Suspend. A loop that runs
        // reads it in every iteration anyway.
        if (update && (_suspensions == 0 || IsRunning))
        {
            Native.mood_loop_now_update(_native);
        }

        double now = Native.mood_loop_now(_native);
        GC.KeepAlive(this);
        return now;
    }

    /// <summary>Stops the loop's time until <see cref="Resume"/> (ev_suspend). Timers do not count the time in between. Call it
    /// before a period in which the program does not run the loop. Suspends may be nested.</summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Suspend()
    {
        using Claim claim = ClaimToChange();

        // libev's suspend only reads the clock. Only the first Suspend may do that (see Now).
        if (_suspensions++ == 0)
        {
            Native.mood_loop_suspend(_native);
        }

        GC.KeepAlive(this);
    }

    /// <summary>Ends a <see cref="Suspend"/> (ev_resume).</summary>
    /// <exception cref="InvalidOperationException">Every Suspend has been ended already.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Resume()
    {
        using Claim claim = ClaimToChange();

        if (_suspensions == 0)
        {
            throw Error.InvalidOperation_NotSuspended();
        }

        if (--_suspensions == 0)
        {
            Native.mood_loop_resume(_native);
        }

        GC.KeepAlive(this);
    }

    /// <summary>
    /// Keeps <see cref="Start"/> running, even without active watchers, until <see cref="DecRef"/> is called (ev_ref).
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void IncRef()
    {
        using Claim claim = ClaimToChange();
        _references++;
        Native.mood_loop_ref(_native);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Undoes one <see cref="IncRef"/> (ev_unref). A watcher that must not keep the loop alive needs
    /// <see cref="Watcher.KeepAlive"/> instead.
    /// </summary>
    /// <exception cref="InvalidOperationException">Every IncRef has been undone already.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void DecRef()
    {
        using Claim claim = ClaimToChange();

        if (_references == 0)
        {
            throw Error.InvalidOperation_NotReferenced();
        }

        _references--;
        Native.mood_loop_unref(_native);
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Makes the active Io watchers of a file descriptor pending, as if the descriptor were ready (ev_feed_fd_event). Each
    /// watcher receives only the events that it watches for. A descriptor without watchers is ignored.
    /// </summary>
    /// <param name="fd">The file descriptor.</param>
    /// <param name="revents">Read, Write, both or None.</param>
    /// <exception cref="ArgumentException"><paramref name="revents"/> contains other bits.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void FeedFdEvent(int fd, Events revents)
    {
        using Claim claim = ClaimToChange();
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
    /// Makes this loop's watchers of a signal pending (ev_feed_signal_event). A signal without watchers in this loop is ignored.
    /// On other threads use <see cref="Ev.FeedSignal(int)"/>.
    /// </summary>
    /// <param name="signum">The signal's number on this platform.</param>
    /// <exception cref="ArgumentOutOfRangeException">No signal has this number.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void FeedSignalEvent(int signum)
    {
        using Claim claim = ClaimToChange();
        Native.mood_loop_feed_signal(_native, Validate.Signum(signum, nameof(signum)));
        GC.KeepAlive(this);
    }

    /// <summary>
    /// Checks libev's data structures (ev_verify). If they are corrupt, it writes the first fault to standard error and aborts
    /// the process. The cause is a bug of this library, or native code that overwrites libev's memory.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    public void Verify()
    {
        using Claim claim = ClaimToChange();
        Native.mood_loop_verify(_native);
        GC.KeepAlive(this);
    }
}
