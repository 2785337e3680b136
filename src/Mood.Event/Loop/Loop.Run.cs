using System;
using System.Threading;
using System.Threading.Tasks;

namespace Mood.Event;

/// <content>
/// Run: an asynchronous function as the program's main function. Stop signals and the time limit of the shutdown are in
/// Threads/RunSupervisor.cs, functions beside the main one in Loop.Spawn.cs.
/// </content>
public sealed partial class Loop
{
    /// <summary>
    /// The synchronization context that runs continuations on the loop's thread. Run, InvokeAsync of an asynchronous function
    /// and the thread of a LoopThread set it. Any thread.
    /// </summary>
    /// <remarks>
    /// Its Post never throws: on a disposed loop it raises <see cref="CallbackException"/> instead of calling the callback. On
    /// the loop's thread, Send calls the callback at once. On another thread, Send waits until the loop has called it, and throws
    /// <see cref="ObjectDisposedException"/> when the loop is disposed.
    /// </remarks>
    public SynchronizationContext SynchronizationContext =>
        _context ?? Interlocked.CompareExchange(ref _context, new LoopSynchronizationContext(this), null) ?? _context;

    /// <summary>A task scheduler that runs tasks on the loop's thread. If the loop's thread waits for a task of this scheduler
    /// that has not begun, that thread runs the task itself. Any thread.</summary>
    public TaskScheduler TaskScheduler =>
        _scheduler ?? Interlocked.CompareExchange(ref _scheduler, new LoopTaskScheduler(this), null) ?? _scheduler;

    /// <summary>
    /// Calls an asynchronous function on this thread and runs the loop until the function's task ends. The continuations of its
    /// awaits run on this thread too: <see cref="SynchronizationContext"/> is set during Run.
    /// </summary>
    /// <remarks>
    /// Run returns when the task and all functions of <see cref="Spawn"/> have ended, even if watchers are still active. It waits
    /// for these functions without a time limit, so a function that never ends keeps Run from returning.
    /// <see cref="Run(Func{CancellationToken, Task}, RunOptions)"/> cancels a token and limits the time. Run does not wait for
    /// the spawned functions if the task fails, or if this Run is inside another Run. Continuations that are queued when Run
    /// returns, or later, wait in the loop's queue for the next Start, Run or Dispose. Continuations that come after Dispose
    /// raise <see cref="CallbackException"/>. Run may be called inside another Run, but not inside a Start: await the task there.
    /// A fatal exception of a callback leaves Run.
    /// </remarks>
    /// <param name="main">The function to call. Its exception leaves Run unchanged.</param>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="main"/> is a delegate of several methods.</exception>
    /// <exception cref="InvalidOperationException">The loop is inside a Start, or runs on another thread. Or the loop was stopped
    /// before the task ended: the task may go on in the next Start, and raises <see cref="CallbackException"/> if it fails. Or
    /// <paramref name="main"/> returned null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed, or was disposed before the task ended.</exception>
    /// <exception cref="EventException">As in <see cref="Start"/>.</exception>
    public void Run(Func<Task> main) => RunCore(main, main, waitsForSpawned: _main is null).GetAwaiter().GetResult();

    /// <inheritdoc cref="Run(Func{Task})"/>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The function's result.</returns>
    public T Run<T>(Func<Task<T>> main) => ((Task<T>)RunCore(main, main, waitsForSpawned: _main is null)).GetAwaiter().GetResult();

    /// <summary>
    /// Calls an asynchronous function on this thread and runs the loop, as <see cref="Run(Func{Task})"/> does, with an orderly
    /// shutdown. The first stop signal cancels the token. Run returns when the function and all spawned functions have ended.
    /// </summary>
    /// <remarks>
    /// <para>A stop signal is SIGINT (Ctrl-C) or SIGTERM, and on Windows also SIGHUP (the console is closed), unless
    /// <see cref="RunOptions.StopSignals"/> names others. After the first stop signal, the function and the functions of
    /// <see cref="Spawn"/> must end within <see cref="RunOptions.ShutdownTimeout"/>. If the function ends without a signal, this time
    /// begins at its end. If the function fails, the token is cancelled too. When the time is over, or at a second stop signal, Run
    /// writes the names of the functions that have not ended to standard error, and returns.</para>
    /// <para>When the function has ended, Run stops each <c>LoopServer</c> of the loop that is not being stopped yet, with its
    /// ShutdownTimeout as the grace. A nested Run, and a Run without a token, stop no server.</para>
    /// <para>If the function ends with an <see cref="OperationCanceledException"/> after a stop signal, Run returns normally.
    /// The callbacks of the token run on the loop's thread, and must not block it. While one blocks, Run cannot return, not even
    /// at a second stop signal or when the time is over. Exceptions of these callbacks go to <see cref="CallbackException"/>.</para>
    /// <para>Run watches the signals until it returns. Until then their default actions do not happen, and afterwards they have
    /// their previous effect again. Some programs, such as timeout(1), send a signal twice. So a second signal with the number of
    /// the first one does not count if it arrives within 50 ms. A third one counts.</para>
    /// </remarks>
    /// <param name="main">The function to call. Its exception leaves Run unchanged.</param>
    /// <param name="options">The options. Null means the default values.</param>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="ArgumentException"><paramref name="main"/> is a delegate of several methods.</exception>
    /// <exception cref="InvalidOperationException">As in <see cref="Run(Func{Task})"/>.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed, or was disposed before the function ended.</exception>
    /// <exception cref="EventException">Another loop watches one of the signals. Or as in <see cref="Start"/>.</exception>
    public void Run(Func<CancellationToken, Task> main, RunOptions? options = null)
    {
        Task? task = Supervise(main, options, out CancellationToken token);

        if (task is not null && !(task.IsCanceled && token.IsCancellationRequested))
        {
            task.GetAwaiter().GetResult();
        }
    }

    /// <inheritdoc cref="Run(Func{CancellationToken, Task}, RunOptions)"/>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The function's result.</returns>
    /// <exception cref="OperationCanceledException">The function was cancelled, or it has not ended in time.</exception>
    public T Run<T>(Func<CancellationToken, Task<T>> main, RunOptions? options = null)
    {
        Task? task = Supervise(main, options, out CancellationToken token);
        return task switch
        {
            null => throw new OperationCanceledException(token),
            Task<T> typed => typed.GetAwaiter().GetResult(),
            _ => throw ExceptionOf(task),
        };
    }

    // Throws the exception that the function threw before its first await. It is in a task that is no Task<T>.
    private static InvalidOperationException ExceptionOf(Task task)
    {
        task.GetAwaiter().GetResult();
        return Error.InvalidOperation_NullTask();
    }

    private Task? Supervise(Func<CancellationToken, Task> main, RunOptions? options, out CancellationToken token)
    {
        Validate.Function(main, nameof(main));
        using Claim claim = ClaimToCall();
        using Claim itself = ClaimItself();

        CheckRun();

        using var supervisor = new RunSupervisor(this, options ?? new RunOptions(), waitsForSpawned: _main is null);
        token = supervisor.Token;
        Task run = RunCore(() => supervisor.RunAsync(main), main, waitsForSpawned: false, () => supervisor.ThrowIfFailed());
        Task? task = ((Task<Task?>)run).GetAwaiter().GetResult();
        supervisor.HasTaken = task is not null;
        return task;
    }

    // `named` is the function that the caller of Run has passed. `stopped` is called if Run ends before `main`, and may throw.
    private Task RunCore(Func<Task> main, Delegate named, bool waitsForSpawned, Action? stopped = null)
    {
        Validate.Function(main, nameof(main));
        using Claim claim = ClaimToCall();
        using Claim itself = ClaimItself();

        CheckRun();

        SynchronizationContext? before = LoopSynchronizationContext.Enter(this);
        Native.mood_loop_ref(_native);
        Task? task = null;
        bool hasEnded = false;

        try
        {
            task = CallMain(main);

            if (!IsClosed && !MainTask.IsOver(this, task, waitsForSpawned))
            {
                StartUntilEnd(named, task, waitsForSpawned);
            }
            else if (_starts == 0)
            {
                _stops.Forget(); // a Stop before Start ends this Run, not the next one
            }

            hasEnded = task.IsCompleted;
        }
        finally
        {
            if (!IsClosed)
            {
                Native.mood_loop_unref(_native);
            }

            if (!hasEnded && task is not null)
            {
                MainTask.ReportAtEnd(this, named, task);
            }

            SynchronizationContext.SetSynchronizationContext(before);
            GC.KeepAlive(this);
        }

        if (!hasEnded)
        {
            stopped?.Invoke();
        }

        return hasEnded ? task
            : throw (IsClosed || _closing ? Error.ObjectDisposed_Run(this) : Error.InvalidOperation_Stopped());
    }

    // Run may be called inside another Run, but not inside a Start.
    private void CheckRun()
    {
        if (_starts > 0 && _main?.IsInnermost(_starts) != true)
        {
            throw Error.InvalidOperation_RunInside();
        }
    }

    // The callbacks of the loop must not see an AsyncLocal value that main sets before its first await.
    private static Task CallMain(Func<Task> main)
    {
        StartContext context = StartContext.Capture();

        try
        {
            return main() ?? throw Error.InvalidOperation_NullTask();
        }
        finally
        {
            context.Restore();
        }
    }

    // A wake ends only the innermost Start, so the wake for the outer Run may have been lost.
    private void WakeIfMainEnded()
    {
        if (_main?.HasEnded(_starts) == true)
        {
            Handle.Wake();
        }
    }

    private void StartUntilEnd(Delegate named, Task task, bool waitsForSpawned)
    {
        _main = new MainTask(this, named, task, _starts + 1, _main, waitsForSpawned);

        try
        {
            _main.WakeAtEnd();
            Start();
        }
        finally
        {
            _main = _main.Outer;
            WakeIfMainEnded(); // the Run around this one
        }
    }
}
