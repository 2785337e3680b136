using System;
using System.Collections.Concurrent;
using System.Diagnostics.Tracing;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The event source "Mood-Event".</summary>
public sealed class EventSourceTests : LoopTestBase
{
    [Fact]
    public void A_listener_sees_what_a_loop_does()
    {
        Telemetry.Make();
        string name = Guid.NewGuid().ToString();
        using var listener = new Listener(name);
        using var blocked = new ManualResetEventSlim();
        using var loop = new Loop(new LoopOptions
        {
            Name = name,
            SlowCallback = TimeSpan.FromMilliseconds(10),
            Blocked = TimeSpan.FromMilliseconds(20),
            CallbackException = (_, _) => { },
        });
        loop.Blocked += (_, _) => blocked.Set();
        loop.Timer(0, 0, OnTick).Start();
        loop.Start();
        Assert.True(blocked.IsSet);
        string[] events = [.. listener.Events];
        string method = $"{nameof(EventSourceTests)}.{nameof(A_listener_sees_what_a_loop_does)}.OnTick";
        Assert.Equal(["LoopStarted", "Blocked", "CallbackException", "SlowCallback", "LoopStopped"], events.Select(e => e.Split(' ')[0]));
        Assert.StartsWith($"Blocked {method} ", events[1], StringComparison.Ordinal);
        Assert.Equal($"CallbackException {method} System.InvalidTimeZoneException the message", events[2]);
        Assert.StartsWith($"SlowCallback {method} ", events[3], StringComparison.Ordinal);

        void OnTick(Timer timer, Events revents)
        {
            blocked.Wait(TimeSpan.FromSeconds(Patience));
            throw new InvalidTimeZoneException("the message");
        }
    }

    [Fact]
    public async Task A_listener_that_comes_late_sees_the_loops_that_run()
    {
        Telemetry.Make();
        string name = Guid.NewGuid().ToString();
        await using var thread = new LoopThread(name);
        await thread.Loop.InvokeAsync(() => { }).WaitAsync(TimeSpan.FromSeconds(Patience));
        using var listener = new Listener(name);
        Assert.Equal(["LoopStarted"], listener.Events.Select(e => e.Split(' ')[0]));
    }

    [Fact]
    public void A_listener_may_dispose_the_loop()
    {
        Telemetry.Make();
        string name = Guid.NewGuid().ToString();
        var loop = new Loop(new LoopOptions { Name = name });
        using var listener = new Listener(name, loop.Dispose);
        Assert.Throws<ObjectDisposedException>(() => loop.Start());
    }

    [Fact]
    public void Without_a_listener_a_Start_allocates_nothing()
    {
        Telemetry.Make();
        Loop loop = NewLoop();
        loop.Start(RunFlags.NoWait);
        long before = GC.GetAllocatedBytesForCurrentThread();

        for (int i = 0; i < 1000; i++)
        {
            loop.Start(RunFlags.NoWait);
        }

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1000);
    }

    [Theory]
    [InlineData("source", false)]
    [InlineData("event", true)]
    public void Listeners_that_throw_end_neither_the_loop_nor_the_process(string what, bool hasEvents)
    {
        string output = HostProcess.Succeed("listeners " + what);
        Assert.Contains("a listener of the meter or the event source has thrown", output, StringComparison.Ordinal);
        Assert.Contains($"sources 1 instruments 7 events {hasEvents} all exceptions True", output, StringComparison.Ordinal);
    }

    /// <summary>Collects the events of one loop: the name of each event, and its payload without the loop's name.</summary>
    private sealed class Listener : EventListener
    {
        private readonly string _name;
        private readonly Action? _action;

        internal Listener(string name, Action? action = null)
        {
            (_name, _action) = (name, action);
            EnableEvents(LoopEventSource.Log!, EventLevel.Verbose);
        }

        internal ConcurrentQueue<string> Events { get; } = new();

        protected override void OnEventWritten(EventWrittenEventArgs eventData)
        {
            if (eventData.EventSource.Name == LoopEventSource.SourceName && eventData.Payload?[0] as string == _name)
            {
                Events.Enqueue(string.Join(' ', eventData.Payload.Skip(1).Prepend(eventData.EventName)));
                _action?.Invoke();
            }
        }
    }
}
