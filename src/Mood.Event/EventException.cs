using System;

namespace Mood.Event;

/// <summary>
/// What only libev or the system can refuse: no usable backend, a signal owned by another loop, a child outside the
/// default loop, a loop that cannot be embedded, a file descriptor closed under its watcher, a failed system call.
/// </summary>
public class EventException : Exception
{
    /// <summary>Makes an exception with a general message.</summary>
    public EventException()
        : this("The event loop failed.")
    {
    }

    /// <summary>Makes an exception.</summary>
    /// <param name="message">What failed.</param>
    public EventException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception that another one caused.</summary>
    /// <param name="message">What failed.</param>
    /// <param name="innerException">Why.</param>
    public EventException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Makes an exception for a failed system call.</summary>
    /// <param name="message">What failed.</param>
    /// <param name="nativeErrorCode">Its errno.</param>
    public EventException(string message, int nativeErrorCode)
        : base(message) => NativeErrorCode = nativeErrorCode;

    /// <summary>The errno of the system call that failed, or 0 where none did.</summary>
    public int NativeErrorCode { get; }
}
