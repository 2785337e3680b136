using System;
using System.Runtime.ExceptionServices;
using Mood.Event.Interop;

namespace Mood.Event;

/// <content>Failing.</content>
public sealed partial class Loop
{
    // what stopped the loop: leaves every nested Start
    private ExceptionDispatchInfo? _failure;

    /// <summary>
    /// Raised with what a watcher's callback or a posted action threw, unless the watcher or the callback is fatal; the loop
    /// goes on. An exception in a handler stops the loop. Without a handler the exception is written to standard error.
    /// Raised on the loop's thread, but for a continuation that comes when its loop is disposed: on the thread that brings it.
    /// </summary>
    public event EventHandler<CallbackExceptionEventArgs>? CallbackException;

    /// <summary>A callback threw: tell, or stop the loop. Throws nothing.</summary>
    internal void OnException(Watcher watcher, Exception exception, bool fatal) =>
        OnException(watcher, exception, fatal ? null : watcher.IsFatal);

    /// <summary>The same for what was posted.</summary>
    internal void OnPostedException(Delegate callback, Exception exception) =>
        OnException(null, exception, () => callback.Method.IsDefined(typeof(FatalAttribute), inherit: false));

    /// <summary>Tells something that must not stop the loop, on any thread and after Dispose too. Throws nothing.</summary>
    internal void Report(Exception exception)
    {
        try
        {
            Tell(null, exception);
        }
#pragma warning disable CA1031 // any exception: the thread is anybody's
        catch (Exception e)
#pragma warning restore CA1031
        {
            Write($"unhandled exception in a handler of CallbackException: {e}");
        }
    }

    /// <summary>The last resort: standard error. Throws nothing.</summary>
    internal static void Write(string what)
    {
        try
        {
            Console.Error.WriteLine("Mood.Event: " + what);
        }
#pragma warning disable CA1031 // any exception: then there is nobody to tell
        catch (Exception)
#pragma warning restore CA1031
        {
            // nor may it end the process
        }
    }

    // isFatal is asked only once something was thrown, for reflection is slow; null: it is fatal
    private void OnException(Watcher? watcher, Exception exception, Func<bool>? isFatal)
    {
        try
        {
            // only one leaves: while the loop is being disposed there may be more of them
            bool isSecond = _closing && _failure is not null && exception != _failure.SourceException;

            if (!isSecond && (isFatal is null || exception == _failure?.SourceException || isFatal()))
            {
                Fail(exception);
            }
            else
            {
                Tell(watcher, exception);
            }
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(CallbackException is null ? exception : e); // not even standard error takes it: then it is the one to know about
        }
    }

    private void Tell(Watcher? watcher, Exception exception)
    {
        EventHandler<CallbackExceptionEventArgs>? handler = CallbackException;

        if (handler is null)
        {
            string what = watcher is null ? "what was posted, or follows an await" : $"the callback of a {watcher.GetType().Name}";
            Console.Error.WriteLine($"Mood.Event: unhandled exception in {what}: {exception}");
        }
        else
        {
            handler(this, new CallbackExceptionEventArgs(watcher, exception));
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

    private void TakeNativeError()
    {
        int error = Native.TakeError(_native, out string message);

        if (error != 0)
        {
            Fail(Error.Event_Native(Math.Max(error, 0), message));
        }
    }
}
