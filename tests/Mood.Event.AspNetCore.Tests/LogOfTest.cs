using System;
using System.Collections.Concurrent;
using System.Linq;
using System.Threading.Tasks;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Mood.Event.AspNetCore.Tests;

/// <summary>A logger that keeps the log entries for the test.</summary>
internal sealed class LogOfTest : ILoggerProvider, ILogger
{
    public ConcurrentQueue<(LogLevel Level, string Message, Exception? Exception)> Entries { get; } = new();

    /// <summary>Called with each message, on the thread that logs it.</summary>
    public Action<string>? OnMessage { get; set; }

    public void AssertNoErrors()
    {
        string[] errors = [.. Entries.Where(e => e.Level >= LogLevel.Error).Select(e => $"{e.Message}: {e.Exception}")];
        Assert.True(errors.Length == 0, $"{errors.Length}: {string.Join('\n', errors)}");
    }

    /// <summary>Whether a message about a connection with this end was logged.</summary>
    public bool Has(string end) => Entries.Any(e =>
        e.Message.StartsWith("Connection id \"", StringComparison.Ordinal) && e.Message.EndsWith(end, StringComparison.Ordinal));

    /// <summary>Waits for a message about a connection with this end.</summary>
    public async Task UntilAsync(string end)
    {
        while (!Has(end))
        {
            await Task.Delay(10);
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        string message = formatter(state, exception);
        Entries.Enqueue((logLevel, message, exception));
        OnMessage?.Invoke(message);
    }

    public void Dispose()
    {
    }
}
