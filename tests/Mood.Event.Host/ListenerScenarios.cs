using System;
using System.Diagnostics.Metrics;
using System.Diagnostics.Tracing;
using System.Threading;

namespace Mood.Event.Host;

/// <summary>Listeners of the meter and of the event source that throw at every call.</summary>
internal static class ListenerScenarios
{
    // The largest number of calls of the timer, which repeats every 0.01 s.
    private const int Longest = 3000;

    private static int s_sources, s_events, s_instruments;
    private static bool s_sourceThrows;

    /// <summary>
    /// Argument: source or event. The listeners exist before the first loop. The loop ends when each listener has been called.
    /// With "source", the listener of the event source throws when the source is made, and then the runtime sends it no events.
    /// </summary>
    internal static int Listeners(string[] args)
    {
        s_sourceThrows = args is ["source"];
        using var events = new ThrowingListener();
        using var instruments = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Mood.Event")
                {
                    Interlocked.Increment(ref s_instruments);
                    listener.EnableMeasurementEvents(instrument);
                    throw new InvalidTimeZoneException("instrument");
                }
            },
        };
        instruments.SetMeasurementEventCallback<double>((_, _, _, _) => throw new InvalidTimeZoneException("lag"));
        instruments.Start();
        int calls = 0, exceptions = 0;
        using var loop = new Loop(new LoopOptions { Name = "host", CallbackException = (_, _) => exceptions++ });
        loop.Timer(0, 0.01, (timer, _) =>
        {
            if (++calls == Longest || (s_sources > 0 && s_instruments == 7 && (s_sourceThrows || s_events > 3)))
            {
                timer.Stop();
            }

            throw new InvalidTimeZoneException("callback");
        }).Start();
        loop.Start();
        Console.WriteLine($"sources {s_sources} instruments {s_instruments} events {s_events > 3} all exceptions {exceptions == calls}");
        return calls < Longest ? 0 : 1;
    }

    private sealed class ThrowingListener : EventListener
    {
        protected override void OnEventSourceCreated(EventSource eventSource)
        {
            if (eventSource.Name == "Mood-Event")
            {
                Interlocked.Increment(ref s_sources);
                EnableEvents(eventSource, EventLevel.Verbose);

                if (s_sourceThrows)
                {
                    throw new InvalidTimeZoneException("source");
                }
            }
        }

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventSource.Name == "Mood-Event")
            {
                Interlocked.Increment(ref s_events);
                throw new InvalidTimeZoneException("event");
            }
        }
    }
}
