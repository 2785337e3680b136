using System;

namespace Mood.Event;

/// <summary>The owner of an Io, which is the Io's Data.</summary>
internal interface IIoOwner
{
    /// <summary>The system refuses to watch the socket, for example because of a limit, and the Io is stopped. Or the Io's callback has thrown.
    /// Loop's thread.</summary>
    void OnFailed(Exception exception);
}
