using System;
using System.Reflection;
using System.Threading;

namespace Mood.Event;

/// <content>The exceptions that callbacks and posted actions throw.</content>
public sealed partial class Loop
{
    /// <summary>
    /// Raised when a watcher's callback or a posted action has thrown an exception, unless the watcher or the callback is fatal.
    /// The loop continues. Without a handler the exception is written to standard error. The first few are written in full. Further
    /// exceptions in quick succession are only counted, and one line per second gives their number.
    /// </summary>
    /// <remarks>An exception in a handler stops the loop. The event is raised on the loop's thread, except in two cases. A
    /// continuation that is posted to a disposed loop is reported on the posting thread. An <c>async void</c> callback that fails
    /// on another thread after the end of Start is reported on that thread.</remarks>
    public event EventHandler<CallbackExceptionEventArgs>? CallbackException;

    /// <summary>A watcher's callback has thrown: raises CallbackException, or stops the loop. Throws nothing.</summary>
    internal void OnException(Watcher watcher, Exception exception, bool fatal) =>
        OnException(watcher, watcher.CallbackMethod, exception, fatal ? null : watcher.IsFatal);

    /// <summary>A posted callback has thrown: raises CallbackException, or stops the loop. Throws nothing.</summary>
    internal void OnPostedException(Delegate callback, Exception exception)
    {
        MethodInfo method = callback.Method;
        OnException(
            null,
            method.DeclaringType?.Assembly == typeof(Loop).Assembly ? null : method, // the library posts continuations
            exception,
            () => FatalAttribute.IsOn(method));
    }

    /// <summary>Raises CallbackException for an exception that must not stop the loop, on any thread and after Dispose too.
    /// Throws nothing.</summary>
    internal void Report(Exception exception) => Report(null, null, exception);

    /// <inheritdoc cref="Report(Exception)"/>
    /// <param name="exception">The exception.</param>
    /// <param name="what">Names what has failed, for people.</param>
    internal void Report(Exception exception, string what) => Report(null, null, exception, what);

    /// <inheritdoc cref="Report(Exception)"/>
    /// <param name="exception">The exception.</param>
    /// <param name="method">The method that has thrown.</param>
    /// <param name="what">Describes the method for people.</param>
    internal void Report(Exception exception, MethodInfo method, string what) => Report(null, method, exception, what);

    /// <summary>Cancels a source. The exceptions of its callbacks go to CallbackException. Throws nothing.</summary>
    internal void CancelAndReport(CancellationTokenSource source)
    {
        try
        {
            source.Cancel();
        }
        catch (AggregateException e)
        {
            foreach (Exception inner in e.InnerExceptions)
            {
                Report(inner, "a callback of a CancellationToken");
            }
        }
    }

    /// <summary>As <see cref="Report(Exception, string)"/>, for a function that has failed when nothing waits for it any more. After Dispose
    /// of the loop, its waits end with an ObjectDisposedException, which is no failure of the function.</summary>
    internal void ReportLate(AggregateException exception, string what)
    {
        foreach (Exception inner in exception.InnerExceptions)
        {
            if (inner is not ObjectDisposedException || !IsEnding)
            {
                Report(inner, what);
            }
        }
    }

    /// <summary>Writes a line to standard error, the last resort. Throws nothing.</summary>
    internal static void Write(string what)
    {
        try
        {
            StandardErrorReport.WriteLine("Mood.Event: " + what);
        }
#pragma warning disable CA1031 // any exception: there is no other place to write to
        catch (Exception)
#pragma warning restore CA1031
        {
            // A broken standard error must not end the process.
        }
    }

    // If isFatal is null, the exception is fatal. isFatal uses reflection, which is slow, so it is called only here.
    private void OnException(Watcher? watcher, MethodInfo? method, Exception exception, Func<bool>? isFatal, string? what = null)
    {
        ExtendClaim(); // for the handler

        try
        {
            // Start or Dispose throws only the first failure. Further ones go to CallbackException. They come from posted
            // actions that run in Dispose, from a callback that called another watcher's callback, or from a spawned function
            // with several exceptions.
            if (_failure is not null && exception != _failure.SourceException)
            {
                Report(watcher, method, exception, what);
            }
            else if (isFatal is null || exception == _failure?.SourceException || isFatal())
            {
                TraceException(method, exception);
                Fail(exception);
            }
            else
            {
                Raise(watcher, method, exception, what);
            }
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception e)
#pragma warning restore CA1031
        {
            // If there is no handler, e comes from the write to standard error. Then Start throws the callback's exception.
            Fail(CallbackException is null ? exception : e);
        }
    }

    private void Raise(Watcher? watcher, MethodInfo? method, Exception exception, string? what)
    {
        TraceException(method, exception);
        EventHandler<CallbackExceptionEventArgs>? handler = CallbackException;

        if (handler is null)
        {
            _report.Write(() => StandardErrorReport.Describe(watcher, method, what), exception);
        }
        else
        {
            handler(this, new CallbackExceptionEventArgs(watcher, method, exception, what));
        }
    }
}
