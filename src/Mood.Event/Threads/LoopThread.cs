using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A loop on a background thread of its own.
/// </summary>
/// <remarks>
/// Other threads use <see cref="Loop.Post(Action)"/> and InvokeAsync to reach the loop. <see cref="Loop.SynchronizationContext"/>
/// is the current context of its thread, so that continuations of awaits run there too, unless
/// <see cref="LoopOptions.UseSynchronizationContext"/> is false. The loop runs until <see cref="StopAsync"/> or Dispose ends it,
/// even without active watchers. The thread is a background thread: it does not keep the process from ending.
/// </remarks>
public sealed partial class LoopThread : IDisposable
{
    // A Dispose on the thread of another LoopThread checks at this interval, in milliseconds, whether the two wait for each other.
    private const int Pause = 20;

    // Awaits follows a chain of LoopThreads, each of which waits for the next one. This is the maximum length.
    private const int MaxChain = 1000;

    // The LoopThread of this thread, or null.
    [ThreadStatic]
    private static LoopThread? s_current;

    private readonly Thread _thread;

    // Whether the thread sets the loop's synchronization context. Set by the constructor.
    private readonly bool _usesContext;

    // Asynchronous, because continuations must not run on the loop's thread, which is about to end.
    private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Gate _gate = new();

    // LoopOptions.DisposeTimeout. Set by the constructor.
    private readonly TimeSpan? _disposeTimeout;

    // The LoopThread whose end this one's thread waits for in Dispose, or null. Its own thread writes it, any thread reads it.
    private volatile LoopThread? _awaited;

    // True after a Dispose has timed out. Later ones do not wait. Any thread sets it, and it stays set.
    private volatile bool _isStuck;

    // Under the gate. Set once, by the first StopAsync.
    private Task? _stopped;

    // Under the gate: the handlers of Failed, and the exception that they were called with.
    private EventHandler<LoopFailedEventArgs>? _handlers;
    private Exception? _failure;

    /// <summary>Creates a loop and starts its thread.</summary>
    /// <param name="name">The name of the thread. Null means "Mood.Event".</param>
    /// <param name="flags">Options of the loop.</param>
    /// <param name="backends">The backends that the loop may use. Auto uses the best recommended backend.</param>
    /// <param name="clock">The clock of the loop, for tests. Null means the system's clock.</param>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> hold unknown bits.</exception>
    /// <exception cref="EventException">The loop cannot be created.</exception>
    /// <exception cref="OutOfMemoryException">The system cannot start a thread. The loop is disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public LoopThread(
        string? name = null, LoopFlags flags = LoopFlags.Auto, Backends backends = Backends.Auto, ManualClock? clock = null)
        : this(new LoopOptions { Name = name, Flags = flags, Backends = backends, Clock = clock })
    {
    }

    /// <summary>Creates a loop with options and starts its thread.</summary>
    /// <param name="options">The options. The constructor copies them. <see cref="LoopOptions.Name"/> is also the name of the
    /// thread. Null means "Mood.Event".</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException"><see cref="LoopOptions.Flags"/> or <see cref="LoopOptions.Backends"/> contain unknown
    /// bits.</exception>
    /// <exception cref="EventException">The loop cannot be created.</exception>
    /// <exception cref="OutOfMemoryException">The system cannot start a thread. The loop is disposed.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    [OverloadResolutionPriority(-1)] // so that new LoopThread(null) still calls the other constructor: a thread without a name
    public LoopThread(LoopOptions options)
    {
        Loop = new Loop(options);
        _usesContext = options.UseSynchronizationContext;

        if (options.DisposeTimeout is TimeSpan timeout)
        {
            // the longest time that Thread.Join accepts
            _disposeTimeout = TimeSpan.FromMilliseconds(Math.Min(timeout.TotalMilliseconds, int.MaxValue));
        }

        Loop.Reserve(); // otherwise another thread could claim the loop before the new thread runs it
        _thread = new Thread(Run) { Name = options.Name ?? "Mood.Event", IsBackground = true };
        Loop.DisposedBy = _disposeTimeout is null ? null : this; // Dispose of the loop then uses _thread

        try
        {
            BackgroundThread.Start(_thread);
        }
        catch
        {
            Loop.DisposedBy = null;
            using Loop.Claim claim = Loop.TakeReserved();
            Loop.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Raised when an exception has left the loop's Start: a fatal exception of a callback, or an <see cref="EventException"/>.
    /// </summary>
    /// <remarks>
    /// The handler is called on the loop's thread, which ends afterwards. The loop is disposed. A handler that is added later is
    /// called at once, on the thread that adds it. Without a handler, the exception is written to standard error.
    /// <see cref="StopAsync"/> fails with the exception in either case. An exception of a handler is written to standard error, and the other
    /// handlers are called.
    /// </remarks>
    public event EventHandler<LoopFailedEventArgs>? Failed
    {
        add
        {
            Exception? failure;

            using (_gate.Enter())
            {
                failure = _failure;
                _handlers += failure is null ? value : null;
            }

            if (failure is not null)
            {
                value?.Invoke(this, new LoopFailedEventArgs(Loop, failure));
            }
        }

        remove
        {
            using (_gate.Enter())
            {
                _handlers -= value;
            }
        }
    }

    /// <summary>The loop. The thread disposes it at the thread's end.</summary>
    public Loop Loop { get; }

    /// <summary>
    /// Runs the actions that are already posted, disposes the loop and ends the thread. Any thread. Idempotent.
    /// </summary>
    /// <remarks><see cref="Loop.Stop"/>, or Dispose of the loop in a callback, ends the thread too.</remarks>
    /// <returns>A task that completes when the thread has ended. It fails with the exception that left the loop's Start, if
    /// any.</returns>
    public Task StopAsync()
    {
        using (_gate.Enter())
        {
            return _stopped ??= StopCoreAsync();
        }
    }

    /// <summary>
    /// Ends the loop like <see cref="StopAsync"/> and waits for the thread to end. It does not wait on that thread itself, in an Invoke for which
    /// that thread waits in <see cref="Loop.Callback"/>, and in a reschedule function. It does not throw the exception that left Start: see
    /// <see cref="Failed"/> and StopAsync.
    /// <see cref="LoopOptions.DisposeTimeout"/> limits the wait. If two LoopThreads dispose each other, the one that begins later
    /// does not wait.
    /// </summary>
    public void Dispose()
    {
        Task stopped = StopAsync();
        TimeSpan limit = _isStuck ? TimeSpan.Zero : _disposeTimeout ?? Timeout.InfiniteTimeSpan;

        if (IsCurrent || Loop.IsInside || Loop.IsRescheduling || LoopOwnership.IsAwaitedBy(_thread))
        {
            // The loop's thread cannot wait for itself. Nor may a thread that has called Invoke wait, because the loop's thread, which is inside
            // Loop.Callback, of this or of another loop, waits for that Invoke. A reschedule function may run in such an Invoke.
        }
        else if (s_current is LoopThread current)
        {
            current.JoinOther(this, limit);
        }
        else if (!_thread.Join(limit))
        {
            _isStuck = true;
        }

        Ignore(stopped);
    }

    /// <summary>Whether the calling thread is the loop's.</summary>
    internal bool IsCurrent => Thread.CurrentThread == _thread;

    /// <summary>Observes the exception of the task, so that TaskScheduler.UnobservedTaskException is not raised.</summary>
    internal static void Ignore(Task task) => task.ContinueWith(
        static task => task.Exception,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    // Waits on this thread until the other thread ends. Stops waiting if the other thread waits for this one, because neither would end.
    private void JoinOther(LoopThread other, TimeSpan limit)
    {
        var watch = Stopwatch.StartNew();
        var pause = TimeSpan.FromMilliseconds(Pause);
        bool isLimited = limit != Timeout.InfiniteTimeSpan;
        _awaited = other;

        try
        {
            while (!other.Awaits(this) && !other._thread.Join(isLimited && limit < pause ? limit : pause))
            {
                if (isLimited && watch.Elapsed >= limit)
                {
                    other._isStuck = true;
                    break;
                }
            }
        }
        finally
        {
            _awaited = null;
        }
    }

    // Whether this thread waits for `other`, directly or through a chain of further threads.
    private bool Awaits(LoopThread other)
    {
        LoopThread? thread = this;

        // For a moment the chain may be a ring without `other`, until one of its threads notices the ring and stops waiting. MaxChain ends
        // this walk.
        for (int i = 0; i < MaxChain && thread is not null && thread != other; i++)
        {
            thread = thread._awaited;
        }

        return thread == other;
    }

    private async Task StopCoreAsync()
    {
        // Posted, so that earlier posts run first. It ends a nested Start too, and Stop(Cancel) cannot cancel it.
        Loop.TryPost(static loop => loop.StopForGood(), Loop);

        try
        {
            await _ended.Task.ConfigureAwait(false);
        }
        finally
        {
            if (Thread.CurrentThread != _thread)
            {
                _thread.Join();
            }
        }
    }

    private void Run()
    {
        Exception? failure = RunLoop();

        if (failure is null)
        {
            _ended.SetResult(true);
        }
        else
        {
            Raise(failure);
            _ended.SetException(failure);
            Ignore(_ended.Task); // the event has reported it
        }
    }

    private Exception? RunLoop()
    {
        s_current = this;
        using Loop.Claim claim = Loop.TakeReserved();

        if (_usesContext)
        {
            SynchronizationContext.SetSynchronizationContext(Loop.SynchronizationContext);
        }

        Exception? failure = null;

        try
        {
            Loop.IncRef();
            Loop.Start();
        }
#pragma warning disable CA1031 // any exception: Failed reports it
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        try
        {
            Loop.Dispose();
        }
#pragma warning disable CA1031 // any exception: a posted action may throw a fatal one
        catch (Exception e)
#pragma warning restore CA1031
        {
            if (failure is not null)
            {
                Loop.Report(e, "Dispose of the loop"); // Failed and StopAsync have room for one exception
            }

            failure ??= e;
        }

        return failure;
    }

    private void Raise(Exception failure)
    {
        EventHandler<LoopFailedEventArgs>? handlers;

        using (_gate.Enter())
        {
            (_failure, handlers) = (failure, _handlers);
        }

        if (handlers is null)
        {
            Loop.Write($"an exception has ended the thread of a loop: {Description.TextOf(failure)}");
            return;
        }

        // One by one: a handler that throws, such as one that logs, must not keep the others from being called.
        foreach (Delegate handler in handlers.GetInvocationList())
        {
            try
            {
                ((EventHandler<LoopFailedEventArgs>)handler)(this, new LoopFailedEventArgs(Loop, failure));
            }
#pragma warning disable CA1031 // any exception: StopAsync fails with the one that ended the loop
            catch (Exception e)
#pragma warning restore CA1031
            {
                Loop.Write($"unhandled exception in a handler of Failed: {Description.TextOf(e)}");
            }
        }
    }
}
