using System;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>The log messages.</summary>
internal static partial class Log
{
    [LoggerMessage(1, LogLevel.Error, "{Loop}: {Callback} has thrown an exception")]
    internal static partial void CallbackFailed(ILogger logger, string loop, string callback, Exception exception);

    [LoggerMessage(2, LogLevel.Critical, "{Loop}: an exception has ended the loop")]
    internal static partial void LoopFailed(ILogger logger, string loop, Exception exception);

    [LoggerMessage(3, LogLevel.Warning, "{Loop}: {Method} took {Milliseconds} ms")]
    internal static partial void SlowCallback(ILogger logger, string loop, string method, double milliseconds);

    [LoggerMessage(4, LogLevel.Warning, "{Loop}: {Method} has blocked the loop for {Milliseconds} ms and still runs")]
    internal static partial void Blocked(ILogger logger, string loop, string method, double milliseconds);

    [LoggerMessage(5, LogLevel.Warning, "{Loop}: the loop did not end within the shutdown timeout of the host, because {Callback} still runs")]
    internal static partial void NotEnded(ILogger logger, string loop, string callback);
}
