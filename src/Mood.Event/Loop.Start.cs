using System;
using System.Runtime.ExceptionServices;
using System.Text;
using System.Threading;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>Running, stopping and failing.</content>
public sealed partial class Loop
{
    private const int NoStop = -1;

    // the thread inside Start; 0: none. While Loop.Callback has another thread call Invoke, that one.
    private int _runner;

    // Starts and Invokes on the stack: native code that needs the native loop when its callbacks have returned
    private int _depth;
    private bool _inCallback;

    // Dispose was called in a callback: the outermost Start will do it
    private bool _closing;

    // a Stop that another thread asked for and the loop has not seen yet
    private int _stop = NoStop;

    // what stopped the loop: leaves every nested Start
    private ExceptionDispatchInfo? _failure;

    /// <summary>
    /// Raised with what a watcher's callback threw, unless the watcher or the callback is fatal; the loop goes on. An
    /// exception in a handler stops the loop. Without a handler the exception is written to standard error.
    /// </summary>
    public event EventHandler<CallbackExceptionEventArgs>? CallbackException;

    /// <summary>Runs the loop on this thread: waits for events and calls the watchers (ev_run).</summary>
    /// <param name="flags">How long.</param>
    /// <returns>False: no active watcher is left that keeps the loop alive, or it was disposed. True: call again.</returns>
    /// <exception cref="ArgumentOutOfRangeException">There is no such flag.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    /// <exception cref="EventException">An fd was closed under its Io, or libev met an error of the system.</exception>
    public bool Start(RunFlags flags = RunFlags.Default)
    {
        if (flags is < RunFlags.Default or > RunFlags.Once)
        {
            throw Error.ArgumentOutOfRange_Enum(flags, nameof(flags));
        }

        CheckChange();

        int thread = Environment.CurrentManagedThreadId;
        bool outermost = Volatile.Read(ref _runner) != thread;

        if (outermost && Interlocked.CompareExchange(ref _runner, thread, 0) is int other && other != 0)
        {
            Error.Throw_WrongThread(other);
        }

        try
        {
            // a failed loop ends all its Starts: it does not begin another one on the way
            if (_failure is not null)
            {
                _failure.Throw();
            }

            bool more = Run(flags);
            ThrowFailure();
            return more;
        }
        finally
        {
            // last: from here on another thread may start the loop
            if (outermost)
            {
                Volatile.Write(ref _runner, 0);
            }
        }
    }

    /// <summary>
    /// Ends Start after the callback that is running (ev_break). Any thread: from another one it wakes the loop, and
    /// while the loop does not run, it ends the next Start. On a disposed loop it does nothing.
    /// </summary>
    /// <param name="how">Which Starts.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such value.</exception>
    public void Stop(BreakHow how = BreakHow.One)
    {
        if (how is < BreakHow.Cancel or > BreakHow.All)
        {
            throw Error.ArgumentOutOfRange_Enum(how, nameof(how));
        }

        if (Volatile.Read(ref _runner) != Environment.CurrentManagedThreadId)
        {
            Volatile.Write(ref _stop, (int)how);
            Handle.Wake();
            return;
        }

        if (!IsClosed && !_closing && _failure is null)
        {
            CheckChange();
            Native.mood_loop_break(_native, (int)how);
        }
    }

    /// <summary>
    /// Calls all pending watchers (ev_invoke_pending). While the loop is inside <see cref="Callback"/>, any thread may,
    /// and then is the loop's thread until Invoke returns.
    /// </summary>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread and is not inside Callback.</exception>
    public void Invoke()
    {
        int thread = Environment.CurrentManagedThreadId;
        int runner = Volatile.Read(ref _runner);
        bool lent = runner != 0 && runner != thread && _inCallback
            && Interlocked.CompareExchange(ref _runner, thread, runner) == runner;

        try
        {
            CheckChange();
            _depth++;

            try
            {
                // a failed loop calls nobody more
                if (_failure is null)
                {
                    Native.mood_loop_invoke(_native);
                }
            }
            finally
            {
                _depth--;
            }

            if (_depth == 0 && _closing)
            {
                Close();
            }
        }
        finally
        {
            if (lent)
            {
                Volatile.Write(ref _runner, runner);
            }
        }

        ThrowIfIdle();
    }

    /// <summary>Native code wants the pending watchers invoked. Throws nothing.</summary>
    internal void OnPending()
    {
        bool inCallback = _inCallback;
        _inCallback = true;

        try
        {
            if (_callback is null)
            {
                Native.mood_loop_invoke(_native);
            }
            else
            {
                _callback(this);
            }
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
        finally
        {
            _inCallback = inCallback;
        }
    }

    /// <summary>Another thread has woken the loop. Throws nothing.</summary>
    internal void OnWake()
    {
        int how = Interlocked.Exchange(ref _stop, NoStop);

        if (how != NoStop)
        {
            Native.mood_loop_break(_native, how);
        }
    }

    /// <summary>A callback threw: tell, or stop the loop. Throws nothing.</summary>
    internal void OnException(Watcher watcher, Exception exception, bool fatal)
    {
        if (fatal || exception == _failure?.SourceException || watcher.IsFatal())
        {
            Fail(exception);
            return;
        }

        EventHandler<CallbackExceptionEventArgs>? handler = CallbackException;

        try
        {
            if (handler is null)
            {
                Console.Error.WriteLine($"Mood.Event: unhandled exception in the callback of a {watcher.GetType().Name}: {exception}");
            }
            else
            {
                handler(this, new CallbackExceptionEventArgs(watcher, exception));
            }
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }

    /// <summary>
    /// Stops the loop, all its nested Starts, with an exception. What is pending stays pending. Throws nothing.
    /// </summary>
    internal void Fail(Exception exception)
    {
        _failure ??= ExceptionDispatchInfo.Capture(exception);

        if (!IsClosed)
        {
            Native.mood_loop_halt(_native);
        }
    }

    /// <summary>Outside Start there is no Start for a failure to leave: it leaves the member that called a callback.</summary>
    internal void ThrowIfIdle()
    {
        if (_depth == 0)
        {
            ThrowFailure();
        }
    }

    /// <summary>Checks that this thread may read the loop and its watchers now.</summary>
    internal void CheckThread()
    {
        Loop loop = this;

        // an embedded loop is run by the thread of the one around it
        while (loop.Embedder is not null)
        {
            loop = loop.Embedder.Loop;
        }

        int runner = Volatile.Read(ref loop._runner);

        if (runner != 0 && runner != Environment.CurrentManagedThreadId)
        {
            Error.Throw_WrongThread(runner);
        }
    }

    /// <summary>Checks that this thread may change the loop and its watchers now.</summary>
    internal void CheckChange(bool evenIfClosing = false)
    {
        CheckThread();

        if (IsClosed || (_closing && !evenIfClosing))
        {
            Error.Throw_Disposed(this);
        }

        if (Mood.Event.Scheduler.IsRescheduling)
        {
            Error.Throw_Rescheduling();
        }
    }

    private bool Run(RunFlags flags)
    {
        bool more;
        _depth++;

        try
        {
            more = Native.mood_loop_run(_native, (int)flags) != 0;
            TakeNativeError();
        }
        finally
        {
            _depth--;
        }

        if (_depth == 0 && _closing)
        {
            Close();
            more = false;
        }

        return more;
    }

    private void ThrowFailure()
    {
        ExceptionDispatchInfo? failure = _failure;

        if (failure is null)
        {
            return;
        }

        if (_depth == 0)
        {
            _failure = null;
        }

        failure.Throw();
    }

    private unsafe void TakeNativeError()
    {
        const int size = 256;
        byte* text = stackalloc byte[size];
        int error = Native.mood_loop_error(_native, text, size);

        if (error == 0)
        {
            return;
        }

        int length = 0;

        while (text[length] != 0)
        {
            length++;
        }

        Fail(Error.Event_Native(Math.Max(error, 0), Encoding.UTF8.GetString(text, length)));
    }
}
