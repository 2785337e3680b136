using System;
using System.Reflection;

namespace Mood.Event;

/// <content>The meter and the event source. Without a listener no method here allocates.</content>
public sealed partial class Loop
{
    /// <summary>Whether a thread is inside Start. Any thread.</summary>
    internal bool IsInStart => _starts > 0 && !IsClosed;

    partial void RecordLag(long lag) => LoopMeter.Record(this, lag);

    partial void BeSeenByTelemetry() => Telemetry.Add(this);

    partial void TraceStarted()
    {
        if (Telemetry.IsTraced && !IsEnding)
        {
            Telemetry.Guarded(static loop => LoopEventSource.Log?.LoopStarted(Telemetry.NameOf(loop)), this);
        }
    }

    partial void TraceStopped()
    {
        if (Telemetry.IsTraced)
        {
            Telemetry.Guarded(static loop => LoopEventSource.Log?.LoopStopped(Telemetry.NameOf(loop)), this);
        }
    }

    partial void TraceSlow(SlowCallbackEventArgs e)
    {
        if (Telemetry.IsTraced)
        {
            Telemetry.Guarded(
                static x => LoopEventSource.Log?.SlowCallback(Telemetry.NameOf(x.Loop), x.Args.Method, x.Args.Duration.TotalMilliseconds),
                (Loop: this, Args: e));
        }
    }

    partial void TraceBlocked(SlowCallbackEventArgs e)
    {
        if (Telemetry.IsTraced)
        {
            Telemetry.Guarded(
                static x => LoopEventSource.Log?.Blocked(Telemetry.NameOf(x.Loop), x.Args.Method, x.Args.Duration.TotalMilliseconds),
                (Loop: this, Args: e));
        }
    }

    partial void TraceException(MethodInfo? method, Exception exception)
    {
        if (Telemetry.IsTraced)
        {
            Telemetry.Guarded(
                static x => LoopEventSource.Log?.CallbackException(
                    Telemetry.NameOf(x.Loop),
                    x.Method is null ? MethodName.Continuation : MethodName.Of(x.Method),
                    x.Exception.GetType().ToString(),
                    x.Exception.Message), // user code may override Message
                (Loop: this, Method: method, Exception: exception));
        }
    }
}
