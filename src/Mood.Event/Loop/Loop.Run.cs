using System;
using System.Threading;
using System.Threading.Tasks;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>An asynchronous function as the loop's main program.</content>
public sealed partial class Loop
{
    private LoopSynchronizationContext? _context;
    private LoopTaskScheduler? _scheduler;

    // the innermost Run
    private MainTask? _main;

    /// <summary>
    /// Has what follows an await on the loop's thread resume there: set there by Run, by InvokeAsync of an asynchronous
    /// function, and on the thread of a LoopThread. Its Post never throws: a callback that comes when the loop is
    /// disposed is told to <see cref="CallbackException"/>. Its Send calls at once on the loop's thread; from another one it
    /// waits for the loop to run, and throws <see cref="ObjectDisposedException"/> when that is disposed.
    /// </summary>
    public SynchronizationContext SynchronizationContext =>
        _context ?? Interlocked.CompareExchange(ref _context, new LoopSynchronizationContext(this), null) ?? _context;

    /// <summary>Runs tasks on the loop's thread. Waiting there for a task of it that has not begun runs it.</summary>
    public TaskScheduler TaskScheduler =>
        _scheduler ?? Interlocked.CompareExchange(ref _scheduler, new LoopTaskScheduler(this), null) ?? _scheduler;

    /// <summary>
    /// Calls an asynchronous function on this thread and runs the loop until its task ends; what follows the awaits runs
    /// here too, for <see cref="SynchronizationContext"/> is set meanwhile. Other watchers, active or not, neither end Run nor
    /// keep it from ending. What is still to follow an await when Run returns stays in the loop's queue, for the next
    /// Start, Run or Dispose; what comes after Dispose is told to <see cref="CallbackException"/>.
    /// </summary>
    /// <remarks>Inside a Run, another one may be called; inside a Start, it is to be awaited instead.</remarks>
    /// <param name="main">What to call. Its exception leaves Run as it is.</param>
    /// <exception cref="ArgumentNullException"><paramref name="main"/> is null.</exception>
    /// <exception cref="InvalidOperationException">The loop is inside a Start, or runs on another thread; the loop was
    /// stopped before the task ended (it may go on in the next Start, and is told if it fails); the function returned no task
    /// but null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed, or was before the task ended.</exception>
    /// <exception cref="EventException">As in <see cref="Start"/>. So does a fatal exception of a callback leave Run.</exception>
    public void Run(Func<Task> main) => RunCore(main).GetAwaiter().GetResult();

    /// <inheritdoc cref="Run(Func{Task})"/>
    /// <typeparam name="T">The result's type.</typeparam>
    /// <returns>The function's result.</returns>
    public T Run<T>(Func<Task<T>> main) => ((Task<T>)RunCore(main)).GetAwaiter().GetResult();

    private Task RunCore(Func<Task> main)
    {
        Validate.NotNull(main, nameof(main));
        using Claim claim = Change();

        if (_starts > 0 && _main?.IsInnermost(_starts) != true)
        {
            throw Error.InvalidOperation_RunInside();
        }

        _home = Environment.CurrentManagedThreadId;
        SynchronizationContext? before = LoopSynchronizationContext.Enter(this);
        Native.mood_loop_ref(_native);
        Task? task = null;
        bool hasEnded = false;

        try
        {
            task = main() ?? throw Error.InvalidOperation_NullTask();

            if (!task.IsCompleted && !IsClosed)
            {
                StartUntilEnd(task);
            }
            else if (_starts == 0)
            {
                Interlocked.Exchange(ref _stop, NoStop); // it was for this Run, which has ended, and not for the next
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
                MainTask.ReportAtEnd(this, task);
            }

            SynchronizationContext.SetSynchronizationContext(before);
            GC.KeepAlive(this);
        }

        return hasEnded ? task
            : throw (IsClosed || _closing ? Error.ObjectDisposed_Run(this) : Error.InvalidOperation_Stopped());
    }

    // a wake tells the innermost Start alone
    private void WakeIfMainEnded()
    {
        if (_main?.HasEnded(_starts) == true)
        {
            Handle.Wake();
        }
    }

    private void StartUntilEnd(Task task)
    {
        _main = new MainTask(this, task, _starts + 1, _main);

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
