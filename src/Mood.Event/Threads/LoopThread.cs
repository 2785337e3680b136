using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <summary>
/// A loop that runs on a background thread of its own until it is stopped. Other threads reach it through
/// <see cref="Loop.Post(Action)"/> and InvokeAsync; on its thread <see cref="Loop.SynchronizationContext"/> is set, so that what
/// follows an await there stays there. The thread keeps the loop alive: without <see cref="StopAsync"/> or Dispose it runs
/// until the process ends, which it does not keep from ending.
/// </summary>
public sealed class LoopThread : IDisposable
#if NET8_0_OR_GREATER
    , IAsyncDisposable
#endif
{
    private readonly Thread _thread;

    // continuations have no business on the thread that ends
    private readonly TaskCompletionSource<bool> _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object _gate = new();
    private Task? _stopped;

    /// <summary>Makes a loop and runs it on a thread of its own.</summary>
    /// <param name="name">The thread's name, for debuggers and the like; null: "Mood.Event".</param>
    /// <param name="flags">How the loop is made.</param>
    /// <param name="backends">What the loop may wait with.</param>
    /// <param name="clock">The loop's time, for tests; null: the system's.</param>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> hold unknown bits.</exception>
    /// <exception cref="EventException">The loop cannot be made.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public LoopThread(
        string? name = null, LoopFlags flags = LoopFlags.Auto, Backends backends = Backends.Auto, ManualClock? clock = null)
    {
        Loop = new Loop(flags, backends, clock: clock);
        Loop.GiveAway(); // whoever uses it before its thread does would keep that from running it
        _thread = new Thread(Run) { Name = name ?? "Mood.Event", IsBackground = true };

        // whoever makes it is not its parent: neither its AsyncLocals nor what they hold are the loop's
#if NET8_0_OR_GREATER
        _thread.UnsafeStart();
#else
        bool flows = !ExecutionContext.IsFlowSuppressed();

        if (flows)
        {
            ExecutionContext.SuppressFlow();
        }

        try
        {
            _thread.Start();
        }
        finally
        {
            if (flows)
            {
                ExecutionContext.RestoreFlow();
            }
        }
#endif
    }

    /// <summary>
    /// Raised when an exception has left the loop's Start: a fatal one of a callback, or an <see cref="EventException"/>. The
    /// thread has then ended its loop and is about to end itself; the handler is called there. Without a handler the
    /// exception is written to standard error. In any case <see cref="StopAsync"/> fails with it.
    /// </summary>
    public event EventHandler<LoopFailedEventArgs>? Failed;

    /// <summary>The loop. It is disposed when the thread ends.</summary>
    public Loop Loop { get; }

    /// <summary>
    /// Ends the loop, from any thread: what was posted before runs, then the loop is disposed and the thread ends. A
    /// <see cref="Loop.Stop"/> or Dispose of the loop in a callback does the same. Twice is fine.
    /// </summary>
    /// <returns>Ends when the thread has ended; with the exception that left the loop's Start, if one did.</returns>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopped ??= StopCoreAsync();
        }
    }

    /// <summary><see cref="StopAsync"/>, and waits for the thread, unless this is that thread. It tells nothing of failures:
    /// <see cref="Failed"/> and StopAsync do.</summary>
    public void Dispose()
    {
        Task stopped = StopAsync();

        if (Thread.CurrentThread != _thread)
        {
            _thread.Join();
        }

        Ignore(stopped);
    }

#if NET8_0_OR_GREATER
    /// <summary><see cref="StopAsync"/> that tells nothing of failures, as <see cref="Dispose"/>.</summary>
    /// <returns>Ends when the thread has ended.</returns>
    public async ValueTask DisposeAsync() => await StopAsync().ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
#endif

    /// <summary>An exception of the task is nobody's loss.</summary>
    internal static void Ignore(Task task) => task.ContinueWith(
        static task => task.Exception,
        CancellationToken.None,
        TaskContinuationOptions.ExecuteSynchronously | TaskContinuationOptions.OnlyOnFaulted,
        TaskScheduler.Default);

    private async Task StopCoreAsync()
    {
        // behind what was posted before; All, for a callback may be waiting in a Start of its own
        Loop.TryPost(static loop => loop.Stop(BreakHow.All), Loop);

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
            Tell(failure);
            _ended.SetException(failure);
            Ignore(_ended.Task); // told already
        }
    }

    private Exception? RunLoop()
    {
        using Loop.Claim claim = Loop.TakeOver();
        SynchronizationContext.SetSynchronizationContext(Loop.SynchronizationContext);
        Exception? failure = null;

        try
        {
            Loop.IncRef();
            Loop.Start();
        }
#pragma warning disable CA1031 // any exception: it is the one to tell
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure = e;
        }

        try
        {
            Loop.Dispose();
        }
#pragma warning disable CA1031 // any exception: what was posted may throw a fatal one
        catch (Exception e)
#pragma warning restore CA1031
        {
            failure ??= e;
        }

        return failure;
    }

    private void Tell(Exception failure)
    {
        try
        {
            EventHandler<LoopFailedEventArgs>? handler = Failed;

            if (handler is null)
            {
                Console.Error.WriteLine($"Mood.Event: a loop's thread was ended by an exception: {failure}");
            }
            else
            {
                handler(this, new LoopFailedEventArgs(Loop, failure));
            }
        }
#pragma warning disable CA1031 // any exception: StopAsync tells the one that matters
        catch (Exception e)
#pragma warning restore CA1031
        {
            Loop.Write($"unhandled exception in a handler of Failed: {e}");
        }
    }
}
