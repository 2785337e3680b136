using System;
using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Tracing;

namespace Mood.Event;

/// <summary>
/// The event source "Mood-Event", for EventListener and dotnet-trace. A listener that attaches late receives LoopStarted for each
/// running loop. EventSource itself catches the exceptions of listeners. Its methods may be called on any thread.
/// </summary>
/// <remarks>No event may have a name that ends with Start or Stop. EventSource would treat it as an activity, and set an
/// AsyncLocal value on the loop's thread.</remarks>
[EventSource(Name = SourceName)]
internal sealed class LoopEventSource : EventSource
{
    internal const string SourceName = "Mood-Event";

    // Telemetry.Make makes the only one.
    private LoopEventSource()
    {
    }

    /// <summary>Set once by Make. Null: not made yet. Any thread reads it.</summary>
    internal static LoopEventSource? Log { get; private set; }

    internal static void Make() => Log = new LoopEventSource();

    /// <summary>Called when the load context is unloaded.</summary>
    internal static void End() => Log?.Dispose();

    [Event(1, Level = EventLevel.Informational, Message = "{0} has started")]
    public void LoopStarted(string loop) => WriteEvent(1, loop);

    [Event(2, Level = EventLevel.Informational, Message = "{0} has stopped")]
    public void LoopStopped(string loop) => WriteEvent(2, loop);

    [Event(3, Level = EventLevel.Warning, Message = "{0}: {1} took {2} ms")]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The values are strings and numbers.")]
    public void SlowCallback(string loop, string method, double milliseconds) => WriteEvent(3, [loop, method, milliseconds]);

    [Event(4, Level = EventLevel.Warning, Message = "{0}: {1} has run for {2} ms")]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The values are strings and numbers.")]
    public void Blocked(string loop, string method, double milliseconds) => WriteEvent(4, [loop, method, milliseconds]);

    [Event(5, Level = EventLevel.Error, Message = "{0}: {1} has thrown {2}: {3}")]
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "The values are strings.")]
    public void CallbackException(string loop, string method, string type, string message) =>
        WriteEvent(5, [loop, method, type, message]);

    /// <inheritdoc/>
    protected override void OnEventCommand(EventCommandEventArgs command)
    {
        if (command.Command == EventCommand.Enable)
        {
            Telemetry.IsTraced = true;

            foreach (Loop loop in Telemetry.Loops())
            {
                if (loop.IsInStart)
                {
                    LoopStarted(Telemetry.NameOf(loop));
                }
            }
        }
    }
}
