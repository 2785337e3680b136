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
    /// Raised with what a watcher's callback threw, unless the watcher or the callback is fatal; the loop goes on. An
    /// exception in a handler stops the loop. Without a handler the exception is written to standard error.
    /// </summary>
    public event EventHandler<CallbackExceptionEventArgs>? CallbackException;

    /// <summary>A callback threw: tell, or stop the loop. Throws nothing.</summary>
    internal void OnException(Watcher watcher, Exception exception, bool fatal)
    {
        EventHandler<CallbackExceptionEventArgs>? handler = CallbackException;

        try
        {
            if (fatal || exception == _failure?.SourceException || watcher.IsFatal())
            {
                Fail(exception);
            }
            else if (handler is null)
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
            Fail(handler is null ? exception : e); // not even standard error takes it: then it is the one to know about
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
