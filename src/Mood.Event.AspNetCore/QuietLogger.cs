using System;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>A logger that does not throw. The application's logger may throw, for example because the disk is full. Then a connection must
/// still be closed, and the loops must go on.</summary>
internal sealed class QuietLogger(ILogger logger) : ILogger
{
    // The transport uses no scopes.
    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel)
    {
        try
        {
            return logger.IsEnabled(logLevel);
        }
#pragma warning disable CA1031 // any exception
        catch (Exception)
#pragma warning restore CA1031
        {
            return false;
        }
    }

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        try
        {
            logger.Log(logLevel, eventId, state, exception, formatter);
        }
#pragma warning disable CA1031 // any exception
        catch (Exception)
#pragma warning restore CA1031
        {
            // The entry is lost. The exception is not reported, because it would be reported to the same logger.
        }
    }
}
