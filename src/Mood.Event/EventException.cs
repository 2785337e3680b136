using System;

namespace Mood.Event;

/// <summary>Thrown when libev or the operating system refuses a request, or when a system call fails.</summary>
/// <remarks>A request is refused, for example, when no backend can be used, another loop owns the signal, a
/// <see cref="Child"/> is not in the default loop, a loop cannot be embedded, or a file descriptor was closed while an
/// <see cref="Io"/> watched it. Wrong arguments and wrong states are reported by the exceptions that .NET has for them.</remarks>
public class EventException : Exception
{
    /// <summary>Creates an exception with a general message.</summary>
    public EventException()
        : this("The event loop failed.")
    {
    }

    /// <summary>Creates an exception with a message.</summary>
    /// <param name="message">A description of the failure. With null, the message names the type only.</param>
    public EventException(string? message)
        : base(message)
    {
    }

    /// <summary>Creates an exception with a message and the exception that caused it.</summary>
    /// <param name="message">A description of the failure. With null, the message names the type only.</param>
    /// <param name="innerException">The cause, or null.</param>
    public EventException(string? message, Exception? innerException)
        : base(message, innerException)
    {
    }

    /// <summary>Creates an exception for a system call that failed.</summary>
    /// <param name="message">A description of the failure. With null, the message names the type only.</param>
    /// <param name="nativeErrorCode">The errno of the system call.</param>
    public EventException(string? message, int nativeErrorCode)
        : base(message) => NativeErrorCode = nativeErrorCode;

    /// <summary>The errno of the system call that failed; 0 if the cause is not a system call.</summary>
    public int NativeErrorCode { get; }
}
