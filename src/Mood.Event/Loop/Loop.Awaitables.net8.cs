#if NET8_0_OR_GREATER
using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>
/// What can be awaited. It is called on the loop's thread, like every member that starts a watcher, and goes on there.
/// </content>
public sealed partial class Loop
{
    private Waits? _waits;

    internal Waits Waits => _waits ??= new Waits();

    /// <summary>
    /// Waits a time, as a <see cref="Mood.Event.Timer"/> does: counted from <see cref="Now"/>, which inside a callback is the
    /// time at which the loop woke up. Nothing is allocated once as many delays as now were under way before.
    /// <para>
    /// Await the result once, and at once: see <see cref="ValueTask"/>. The code after the await runs on the loop's thread,
    /// inside the loop, unless it was in another <see cref="System.Threading.SynchronizationContext"/>. A delay keeps
    /// <see cref="Start"/> from returning. It ends with an <see cref="ObjectDisposedException"/> when the loop is disposed.
    /// </para>
    /// </summary>
    /// <param name="seconds">How long; 0: until the next iteration.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any.</param>
    /// <returns>What to await.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN or infinite.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask Delay(double seconds, CancellationToken cancellationToken = default) =>
        Delay(Validate.NotNegative(seconds, nameof(seconds)), isEndless: false, cancellationToken);

    /// <inheritdoc cref="Delay(double, CancellationToken)"/>
    /// <param name="delay">How long; <see cref="Timeout.InfiniteTimeSpan"/>: until it is cancelled.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative and not infinite.</exception>
    public ValueTask Delay(TimeSpan delay, CancellationToken cancellationToken = default) =>
        delay == Timeout.InfiniteTimeSpan
            ? Delay(0, isEndless: true, cancellationToken)
            : Delay(Validate.NotNegative(delay.TotalSeconds, nameof(delay)), isEndless: false, cancellationToken);

    /// <summary>
    /// Waits until a file descriptor is readable or writable, as an <see cref="Mood.Event.Io"/> does. Nothing is allocated
    /// once as many waits as now were under way before. For awaiting and threads see
    /// <see cref="Delay(double, CancellationToken)"/>.
    /// <para>
    /// Do not close the fd meanwhile: cancel first. Given as a <see cref="SafeHandle"/>, the fd stays open until the wait ends.
    /// Of a bare number that is closed libev may or may not notice; where it does, the wait ends with an
    /// <see cref="EventException"/>, and so does <see cref="Start"/>. A wait for a <see cref="Socket"/> that is disposed
    /// gets no event any more.
    /// </para>
    /// </summary>
    /// <param name="fd">An open file descriptor.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both: either is enough.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any.</param>
    /// <returns>What it is ready for.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> is None or holds
    /// other bits.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask<Events> WaitAsync(int fd, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(fd, nameof(fd)), events, cancellationToken);

    /// <inheritdoc cref="WaitAsync(int, Events, CancellationToken)"/>
    /// <param name="handle">An open file, pipe or socket; kept open until the wait ends.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both: either is enough.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any.</param>
    public ValueTask<Events> WaitAsync(SafeHandle handle, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(handle, nameof(handle)), events, cancellationToken);

    /// <inheritdoc cref="WaitAsync(int, Events, CancellationToken)"/>
    /// <param name="socket">An open socket.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both: either is enough.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any.</param>
    public ValueTask<Events> WaitAsync(Socket socket, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(socket, nameof(socket)), events, cancellationToken);

    /// <summary>
    /// The process's signals, as a <see cref="Mood.Event.Signal"/> sees them:
    /// <c>await foreach (int signum in loop.Signals(Signum.SIGHUP))</c>. From the first MoveNextAsync to the end of the
    /// enumeration the signal's default action does not happen, and what comes while the body of the foreach runs is
    /// not lost: signals that come faster than they are looked at are one, as with any signal. It does not end by itself.
    /// </summary>
    /// <param name="signum">The signal's number on this platform: <see cref="Signum"/>.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>, on the loop's
    /// thread; it may be cancelled on any.</param>
    /// <returns>The number, once per event. Every enumeration has a watcher of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such signal, or it cannot be watched.</exception>
    /// <exception cref="EventException">Another loop has it. It comes out of the foreach.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed. It comes out of the foreach.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread. It comes out of the foreach.</exception>
    public IAsyncEnumerable<int> Signals(int signum, CancellationToken cancellationToken = default) =>
        new SignalWait.Sequence(this, Validate.WatchableSignum(signum, nameof(signum)), cancellationToken);

    /// <inheritdoc cref="Signals(int, CancellationToken)"/>
    /// <param name="signal">The signal.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>, on the loop's
    /// thread; it may be cancelled on any.</param>
    public IAsyncEnumerable<int> Signals(PosixSignal signal, CancellationToken cancellationToken = default) =>
        Signals(Signum.From(signal), cancellationToken);

    /// <summary>
    /// Waits until a child process ends, as a <see cref="Mood.Event.Child"/> does; on the default loop only. A child given by
    /// its pid is reaped; see there for those of <see cref="Process"/>. For awaiting and threads see
    /// <see cref="Delay(double, CancellationToken)"/>.
    /// </summary>
    /// <param name="pid">The child's pid, or 0 for the next child that ends.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any. The child goes on.</param>
    /// <returns>The watcher, disposed: its <see cref="Child.ExitCode"/> and <see cref="Child.TermSignal"/> say how it
    /// ended.</returns>
    /// <exception cref="EventException">This is not the default loop.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pid"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask<Child> WaitForExitAsync(int pid, CancellationToken cancellationToken = default)
    {
        using Claim claim = Change();
        var wait = new ChildWait(this, pid);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Child>(cancellationToken)
            : wait.Begin(cancellationToken);
    }

    /// <inheritdoc cref="WaitForExitAsync(int, CancellationToken)"/>
    /// <param name="process">A process that was started and not disposed. It is left to its Process object.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread;
    /// it may be cancelled on any. The child goes on.</param>
    /// <exception cref="ArgumentException"><paramref name="process"/> was not started, or is disposed.</exception>
    public ValueTask<Child> WaitForExitAsync(Process process, CancellationToken cancellationToken = default)
    {
        using Claim claim = Change();
        var wait = new ChildWait(this, process);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Child>(cancellationToken)
            : wait.Begin(cancellationToken);
    }

    private ValueTask Delay(double seconds, bool isEndless, CancellationToken cancellationToken)
    {
        using Claim claim = Change();

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        if (!IsRunning && _suspensions == 0)
        {
            // no callback is under way whose time it would change, and the time may be as old as the last Start
            Native.mood_loop_now_update(_native);
        }

        return DelayWait.Begin(this, seconds, isEndless, cancellationToken);
    }

    private ValueTask<Events> WaitAsync(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        Validate.WaitEvents(events, nameof(events));
        using Claim claim = Change();
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Events>(cancellationToken)
            : ReadyWait.Begin(this, fd, events, cancellationToken);
    }

    /// <summary>The waits under way, which the loop's end will leave without a watcher.</summary>
    private List<Watcher> TakeWaits()
    {
        _waits?.Free();
        return Watchers.OfWaits();
    }

    // Those who wait are told once the loop is gone: what they do next may be to make another default loop. What they have
    // awaiting them goes on in their context, which takes nothing any more from elsewhere.
    private void EndWaits(List<Watcher> waits)
    {
        SynchronizationContext? before = SynchronizationContext.Current;

        if (_context is not null && waits.Count > 0)
        {
            SynchronizationContext.SetSynchronizationContext(_context);
        }

        foreach (Watcher watcher in waits)
        {
            try
            {
                ((Wait)watcher.Data!).Fail(Error.ObjectDisposed(this));
            }
#pragma warning disable CA1031 // any exception: the others must be told too
            catch (Exception e)
#pragma warning restore CA1031
            {
                OnException(watcher, e, fatal: false);
            }
        }

        SynchronizationContext.SetSynchronizationContext(before);
    }
}
#endif
