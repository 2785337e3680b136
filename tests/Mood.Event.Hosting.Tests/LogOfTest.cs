using System;
using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;

namespace Mood.Event.Hosting.Tests;

/// <summary>A logger that keeps the log entries for the test.</summary>
internal sealed class LogOfTest : ILoggerProvider, ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Message, Exception? Exception)> Entries { get; } = new();

    /// <summary>Whether an entry of the level Critical throws, after it was kept.</summary>
    public bool Throws { get; init; }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        Entries.Enqueue((logLevel, formatter(state, exception), exception));

        if (Throws && logLevel == LogLevel.Critical)
        {
            throw new TimeZoneNotFoundException("the disk is full");
        }
    }

    public void Dispose()
    {
    }
}
