using System;
using Microsoft.Extensions.Logging;

namespace Mood.Event;

/// <summary>The log messages. Those of a connection have the same words and levels as those of Kestrel's sockets transport.</summary>
internal static partial class Log
{
    [LoggerMessage(4, LogLevel.Debug, "Connection id \"{ConnectionId}\" paused.", EventName = "ConnectionPause")]
    internal static partial void Paused(ILogger logger, string connectionId);

    [LoggerMessage(5, LogLevel.Debug, "Connection id \"{ConnectionId}\" resumed.", EventName = "ConnectionResume")]
    internal static partial void Resumed(ILogger logger, string connectionId);

    [LoggerMessage(6, LogLevel.Debug, "Connection id \"{ConnectionId}\" received FIN.", EventName = "ConnectionReadFin")]
    internal static partial void ReceivedFin(ILogger logger, string connectionId);

    [LoggerMessage(7, LogLevel.Debug, "Connection id \"{ConnectionId}\" sending FIN because: \"{Reason}\"", EventName = "ConnectionWriteFin")]
    internal static partial void SendingFin(ILogger logger, string connectionId, string reason);

    [LoggerMessage(8, LogLevel.Debug, "Connection id \"{ConnectionId}\" sending RST because: \"{Reason}\"", EventName = "ConnectionWriteRst")]
    internal static partial void SendingRst(ILogger logger, string connectionId, string reason);

    [LoggerMessage(14, LogLevel.Debug, "Connection id \"{ConnectionId}\" communication error.", EventName = "ConnectionError")]
    internal static partial void Error(ILogger logger, string connectionId, Exception exception);

    [LoggerMessage(19, LogLevel.Debug, "Connection id \"{ConnectionId}\" reset.", EventName = "ConnectionReset")]
    internal static partial void Reset(ILogger logger, string connectionId);

    [LoggerMessage(30, LogLevel.Warning, "{EndPoint}: connections cannot be accepted at the moment. The server tries again every {Milliseconds} ms.")]
    internal static partial void AcceptFailed(ILogger logger, object endPoint, double milliseconds, Exception exception);

    [LoggerMessage(31, LogLevel.Error, "A callback of the transport has thrown an exception.")]
    internal static partial void CallbackFailed(ILogger logger, Exception exception);

    [LoggerMessage(32, LogLevel.Critical, "{Loop}: an exception has ended the loop. The server accepts no more connections.")]
    internal static partial void LoopFailed(ILogger logger, string loop, Exception exception);

    [LoggerMessage(33, LogLevel.Warning, "The loops did not end in time, because a handler still runs on one of their threads.")]
    internal static partial void NotEnded(ILogger logger);

    [LoggerMessage(34, LogLevel.Error, "Connection id \"{ConnectionId}\" is reset, because it cannot be served any more.")]
    internal static partial void Failed(ILogger logger, string connectionId, Exception exception);
}
