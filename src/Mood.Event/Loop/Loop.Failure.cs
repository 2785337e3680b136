using System;
using System.Runtime.ExceptionServices;

namespace Mood.Event;

/// <content>The failure of a loop: the exception that stops it and that Start throws.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Stops the loop and all its nested Starts, which throw the exception. Pending watchers stay pending. Throws nothing itself.
    /// </summary>
    /// <remarks>A Start throws only one exception. A further one raises CallbackException.</remarks>
    internal void Fail(Exception exception)
    {
        if (_failure is null)
        {
            _failure = ExceptionDispatchInfo.Capture(exception);
        }
        else if (exception != _failure.SourceException)
        {
            Report(exception);
        }

        if (!IsClosed)
        {
            Native.mood_loop_halt(_native);
        }
    }

    /// <summary>Throws the failure, if there is one, from a member that has called a callback outside Start. Does nothing inside
    /// Start, which throws the failure itself.</summary>
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
