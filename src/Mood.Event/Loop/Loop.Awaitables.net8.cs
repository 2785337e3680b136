using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>Awaitables.</content>
public sealed partial class Loop
{
    // Made by the owner on first use; never replaced.
    private Waits? _waits;

    /// <summary>The pools of waits.</summary>
    internal Waits Waits => _waits ??= new Waits();

    /// <summary>
    /// Waits for a time, as a <see cref="Mood.Event.Timer"/> does. The time is counted from <see cref="Now"/>. Call it on the loop's
    /// thread.
    /// </summary>
    /// <remarks>
    /// <para>Await the result once, directly after the call: see the rules of <see cref="ValueTask"/>. The continuation runs on
    /// the loop's thread, inside the loop. If the caller had another <see cref="System.Threading.SynchronizationContext"/>, and
    /// it is not the current one on the loop's thread when the wait ends, the continuation is posted to it.</para>
    /// <para>A delay keeps <see cref="Start"/> from returning. It ends with an <see cref="ObjectDisposedException"/> when the
    /// loop is disposed. Waits reuse pooled objects and do not allocate in steady state.</para>
    /// <para>Inside a callback <see cref="Now"/> is the time at which the loop woke up. So a delay that starts late in a callback
    /// may be shorter than asked for.</para>
    /// </remarks>
    /// <param name="seconds">The time in seconds; 0 waits for the next iteration.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    /// <returns>A task that ends when the time is over.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is negative, NaN or infinite.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask Delay(double seconds, CancellationToken cancellationToken = default) =>
        Delay(Validate.Delay(seconds, nameof(seconds)), isEndless: false, cancellationToken);

    /// <inheritdoc cref="Delay(double, CancellationToken)"/>
    /// <param name="delay">The time. <see cref="Timeout.InfiniteTimeSpan"/> waits until it is cancelled.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="delay"/> is negative and not infinite.</exception>
    public ValueTask Delay(TimeSpan delay, CancellationToken cancellationToken = default) =>
        delay == Timeout.InfiniteTimeSpan
            ? Delay(0, isEndless: true, cancellationToken)
            : Delay(Validate.Delay(delay.TotalSeconds, nameof(delay)), isEndless: false, cancellationToken);

    /// <summary>
    /// Waits until a file descriptor is readable or writable, as an <see cref="Mood.Event.Io"/> does. Call it on the loop's thread.
    /// </summary>
    /// <remarks>
    /// <para>For awaiting and threads see <see cref="Delay(double, CancellationToken)"/>.</para>
    /// <para>Cancel the wait before you close the fd. Otherwise the result depends on how the fd was passed. A
    /// <see cref="Microsoft.Win32.SafeHandles.SafeFileHandle"/> stays open until the wait ends. If a <see cref="Socket"/> or any other
    /// <see cref="SafeHandle"/> is disposed, the wait ends with an <see cref="ObjectDisposedException"/> within a second. If the
    /// fd was passed as a number, only the backends Poll and Select always notice that it is closed. Then the wait and
    /// <see cref="Start"/> throw an <see cref="EventException"/>.</para>
    /// </remarks>
    /// <param name="fd">An open file descriptor.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both, which waits for either.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    /// <returns>The events that the fd is ready for.</returns>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="fd"/> is negative.</exception>
    /// <exception cref="ArgumentException"><paramref name="fd"/> is not open, or <paramref name="events"/> is None or holds
    /// other bits than Read and Write.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask<Events> WaitAsync(int fd, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(fd, nameof(fd)), events, cancellationToken);

    /// <inheritdoc cref="WaitAsync(int, Events, CancellationToken)"/>
    /// <param name="handle">An open file, pipe or socket.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both, which waits for either.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    public ValueTask<Events> WaitAsync(SafeHandle handle, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(handle, nameof(handle)), events, cancellationToken);

    /// <inheritdoc cref="WaitAsync(int, Events, CancellationToken)"/>
    /// <param name="socket">An open socket.</param>
    /// <param name="events"><see cref="Events.Read"/>, <see cref="Events.Write"/> or both, which waits for either.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread.</param>
    public ValueTask<Events> WaitAsync(Socket socket, Events events, CancellationToken cancellationToken = default) =>
        WaitAsync(FileDescriptor.From(socket, nameof(socket)), events, cancellationToken);

    /// <summary>
    /// Enumerates the arrivals of a signal of the process, for <c>await foreach (int signum in loop.Signals(Signum.SIGHUP))</c>.
    /// A <see cref="Mood.Event.Signal"/> watcher (ev_signal) is active from the first MoveNextAsync to the end of the
    /// enumeration.
    /// </summary>
    /// <remarks>
    /// <para>The enumeration does not end by itself. A signal that arrives while the body of the foreach runs is not lost.
    /// Several such arrivals count as one.</para>
    /// <para>Leaving the foreach (<c>break</c>, <c>return</c>, an exception) stops the watcher, so that the signal's default
    /// action applies again. The default action of most signals ends the process. If a program leaves the foreach at the first
    /// SIGTERM and then shuts down, a second SIGTERM ends the process during the shutdown. To prevent this, shut down inside the body, or
    /// hold a watcher until the end:</para>
    /// <code>
    /// using Signal guard = loop.Signal(Signum.SIGTERM, (_, _) => { });   // a second SIGTERM has no default action
    /// guard.KeepAlive = false;
    /// guard.Start();
    ///
    /// await foreach (int signum in loop.Signals(Signum.SIGTERM))
    /// {
    ///     break;
    /// }
    ///
    /// await ShutDownAsync();
    /// </code>
    /// </remarks>
    /// <param name="signum">The signal's number on this platform: <see cref="Signum"/>.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>, on the loop's
    /// thread. It may be cancelled on any thread.</param>
    /// <returns>The number of the signal, once per event. Each enumeration has a watcher of its own.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such signal, or it cannot be watched.</exception>
    /// <exception cref="EventException">Another loop watches the signal. The foreach throws it.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed. The foreach throws it.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread. The foreach throws it.</exception>
    public IAsyncEnumerable<int> Signals(int signum, CancellationToken cancellationToken = default) =>
        new SignalEnumerator.Sequence(this, Validate.WatchableSignum(signum, nameof(signum)), cancellationToken);

    /// <inheritdoc cref="Signals(int, CancellationToken)"/>
    /// <param name="signal">The signal.</param>
    /// <param name="cancellationToken">Ends the enumeration with an <see cref="OperationCanceledException"/>, on the loop's
    /// thread. It may be cancelled on any thread.</param>
    public IAsyncEnumerable<int> Signals(PosixSignal signal, CancellationToken cancellationToken = default) =>
        Signals(Signum.From(signal), cancellationToken);

    /// <summary>
    /// Waits until a child process ends, as a <see cref="Mood.Event.Child"/> does. The default loop can do so on every system.
    /// Other loops can do so on Windows, and where the kernel has pidfds (Linux 5.4). Call it on the loop's thread.
    /// </summary>
    /// <remarks>A child given by its pid is reaped. A child given by its <see cref="Process"/> is observed, and its Process object reaps it.
    /// For awaiting and threads see <see cref="Delay(double, CancellationToken)"/>.</remarks>
    /// <param name="pid">The child's pid. On the default loop 0 is the next child that ends.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread. The child keeps running.</param>
    /// <returns>The watcher, disposed. Its <see cref="Child.ExitCode"/> and <see cref="Child.TermSignal"/> say how the child
    /// ended.</returns>
    /// <exception cref="EventException">This is not the default loop, and there are no pidfds, or <paramref name="pid"/> is 0.</exception>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="pid"/> is negative.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public ValueTask<Child> WaitForExitAsync(int pid, CancellationToken cancellationToken = default)
    {
        using Claim claim = ClaimToChange();

        if (!IsDefault && pid != 0)
        {
            return WaitForOtherExitAsync(pid, process: null, cancellationToken);
        }

        var wait = new ChildWait(this, pid);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Child>(cancellationToken)
            : wait.Begin(cancellationToken);
    }

    /// <inheritdoc cref="WaitForExitAsync(int, CancellationToken)"/>
    /// <param name="process">A process that was started and not disposed.</param>
    /// <param name="cancellationToken">Ends the wait with an <see cref="OperationCanceledException"/>, on the loop's thread.
    /// It may be cancelled on any thread. The child keeps running.</param>
    /// <exception cref="ArgumentException"><paramref name="process"/> was not started, or is disposed.</exception>
    public ValueTask<Child> WaitForExitAsync(Process process, CancellationToken cancellationToken = default)
    {
        using Claim claim = ClaimToChange();

        if (!IsDefault)
        {
            return WaitForOtherExitAsync(pid: 0, Validate.NotNull(process, nameof(process)), cancellationToken);
        }

        var wait = new ChildWait(this, process);
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Child>(cancellationToken)
            : wait.Begin(cancellationToken);
    }

    // A loop that is not the default loop has no Child watchers.
    private ValueTask<Child> WaitForOtherExitAsync(int pid, Process? process, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
        {
            new Child(this, pid, process).Dispose(); // checks the arguments
            return ValueTask.FromCanceled<Child>(cancellationToken);
        }

        return Platform.IsWindows
            ? new ProcessWait(this, pid, process).Begin(cancellationToken)
            : new PidfdWait(this, pid, process).Begin(cancellationToken);
    }

    private ValueTask Delay(double seconds, bool isEndless, CancellationToken cancellationToken)
    {
        using Claim claim = ClaimToChange();

        if (cancellationToken.IsCancellationRequested)
        {
            return ValueTask.FromCanceled(cancellationToken);
        }

        return DelayWait.Begin(this, seconds, isEndless, cancellationToken);
    }

    private ValueTask<Events> WaitAsync(FileDescriptor fd, Events events, CancellationToken cancellationToken)
    {
        Validate.WaitEvents(events, nameof(events));
        using Claim claim = ClaimToChange();
        return cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<Events>(cancellationToken)
            : IoWait<ReadyOperation, Events>.Begin(this, new ReadyOperation(events), fd, cancellationToken).Task;
    }

    partial void StopRenewableWait() => _waits?.StopRenewable();

    partial void TellWaits()
    {
        foreach (Watcher watcher in Watchers.OfWaits())
        {
            watcher.Wait!.OnEmbedded();
        }
    }

    // Called before all watchers are disposed. Frees the idle waits, and returns the watchers of the active waits.
    partial void TakeWaits(ref List<Watcher>? waits)
    {
        _waits?.Free();
        waits = Watchers.OfWaits();
    }

    // Ends the waits that were active. The loop is closed already, so that a continuation may make a new default loop.
    // Continuations run in the loop's synchronization context. The await of a pooled ValueTask, such as that of SslStream.ReadAsync, posts to
    // this context even if it is the current one.
    partial void EndWaits(List<Watcher>? waits)
    {
        SynchronizationContext? before = SynchronizationContext.Current;

        if (_context is not null)
        {
            SynchronizationContext.SetSynchronizationContext(_context);
        }

        foreach (Watcher watcher in waits!)
        {
            watcher.Wait?.Fail(Error.ObjectDisposed(this));
        }

        SynchronizationContext.SetSynchronizationContext(before);
    }
}
