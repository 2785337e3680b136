using System;
using System.Collections.Concurrent;
using System.Collections.Generic;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Statistics, slow and blocked callbacks, and the meter.</summary>
public sealed class MeasureTests : LoopTestBase
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(Patience);

    [Fact]
    public void Statistics_tell_busy_from_idle_time()
    {
        Loop loop = NewLoop();
        Assert.Equal(0, loop.Statistics.Events); // the first reading starts the measuring
        int calls = 0;
        loop.Timer(0.05, 0.05, OnTick).Start();
        loop.Post(() => { });
        loop.Start();
        LoopStatistics statistics = loop.Statistics;
        Assert.Equal(4, statistics.Events);
        Assert.InRange(statistics.Busy.TotalSeconds, 0.059, 1);
        Assert.InRange(statistics.Idle.TotalSeconds, 0.05, 5);
        Assert.InRange(statistics.LongestCallback.TotalSeconds, 0.019, 1);
        Assert.True(statistics.WorstLag >= statistics.Lag && statistics.Lag >= TimeSpan.FromSeconds(0.019));
        Assert.Equal(1, statistics.ActiveWatchers); // the test's watchdog
        Assert.InRange(statistics.Iterations, 3, 100);

        void OnTick(Timer timer, Events revents)
        {
            Thread.Sleep(20);

            if (++calls == 3)
            {
                timer.Stop();
            }
        }
    }

    [Fact]
    public void Statistics_with_the_same_counters_are_equal()
    {
        Loop loop = NewLoop();
        LoopStatistics before = loop.Statistics;
        Assert.True(before == loop.Statistics);
        Assert.Equal(before.GetHashCode(), loop.Statistics.GetHashCode());
        loop.Post(() => { });
        Assert.True(before != loop.Statistics);
        Assert.Contains("PendingPosts = 1", loop.Statistics.ToString(), StringComparison.Ordinal);
    }

    // There are more readers than processors. So the system often stops a reader between the two numbers whose difference it computes, and many
    // items are added and called meanwhile.
    [Fact]
    public void The_number_of_pending_posts_is_never_negative()
    {
        Loop loop = NewLoop();
        var queue = new PostQueue();
        bool isOver = false;
        int least = 0;
        Thread[] readers = [.. Enumerable.Range(0, 4 * Environment.ProcessorCount).Select(_ => new Thread(Read))];
        Array.ForEach(readers, reader => reader.Start());

        for (var watch = Stopwatch.StartNew(); watch.ElapsedMilliseconds < 500;)
        {
            queue.Add(static () => { });
            queue.RunAll(loop);
        }

        Volatile.Write(ref isOver, true);
        Array.ForEach(readers, reader => reader.Join());
        Assert.Equal(0, least);

        void Read()
        {
            int found = 0;

            while (!Volatile.Read(ref isOver))
            {
                for (int i = 0; i < 1000; i++)
                {
                    found = Math.Min(found, queue.Waiting);
                }
            }

            if (found < 0)
            {
                Volatile.Write(ref least, found);
            }
        }
    }

    [Fact]
    public void A_slow_posted_function_and_a_slow_continuation_are_named()
    {
        using var loop = new Loop(new LoopOptions { SlowCallback = TimeSpan.FromMilliseconds(10) });
        var methods = new List<string>();
        loop.SlowCallback += (_, e) => methods.Add(e.Method);
        loop.Run(async () =>
        {
            await loop.InvokeAsync(BeSlow);
            await loop.InvokeAsync(BeSlowAsync);
            await Task.Yield();
            BeSlow();
            await Task.Delay(20); // an await of a task that has already ended has no continuation
            BeSlow();
        });
        const string self = nameof(MeasureTests) + "." + nameof(A_slow_posted_function_and_a_slow_continuation_are_named) + " (lambda)";
        Assert.Equal([nameof(MeasureTests) + "." + nameof(BeSlow), nameof(MeasureTests) + "." + nameof(BeSlowAsync), self, self], methods);
    }

    [Fact]
    public void A_slow_callback_of_a_timer_of_the_TimeProvider_is_named()
    {
        using var loop = new Loop(new LoopOptions { SlowCallback = TimeSpan.FromMilliseconds(10) });
        var methods = new List<string>();
        loop.SlowCallback += (_, e) => methods.Add(e.Method);
        using ITimer timer = loop.TimeProvider.CreateTimer(static _ => BeSlow(), null, TimeSpan.Zero, Timeout.InfiniteTimeSpan);
        loop.Run(async () => await loop.Delay(0.05));
        Assert.Equal([nameof(MeasureTests) + "." + nameof(A_slow_callback_of_a_timer_of_the_TimeProvider_is_named) + " (lambda)"], methods);
    }

    private static void BeSlow() => Thread.Sleep(30);

    private static Task BeSlowAsync()
    {
        BeSlow();
        return Task.CompletedTask;
    }

    [Fact]
    public void Statistics_are_read_from_any_thread()
    {
        using var thread = new LoopThread("measured");
        Loop loop = thread.Loop;
        _ = loop.Statistics;
        long events = 0;

        for (int i = 0; i < 2000; i++)
        {
            loop.Post(() => { });
            LoopStatistics statistics = loop.Statistics;
            Assert.True(statistics.Events >= events);
            Assert.True(statistics.LongestCallback <= statistics.Busy || statistics.Events == 0);
            events = statistics.Events;
        }

        SpinWait.SpinUntil(() => loop.Statistics.Events == 2000, s_patience);
        Assert.Equal((2000, 0), (loop.Statistics.Events, loop.Statistics.PendingPosts));
    }

    [Fact]
    public void A_slow_callback_is_reported_with_its_watcher_method_and_duration()
    {
        using var loop = new Loop(new LoopOptions { SlowCallback = TimeSpan.FromMilliseconds(20) });
        var slow = new List<SlowCallbackEventArgs>();
        loop.SlowCallback += (_, e) => slow.Add(e);
        Timer quick = loop.Timer(0, 0, (_, _) => { }), late = loop.Timer(0.01, 0, OnSlow);
        quick.Start();
        late.Start();
        loop.Start();
        loop.Post(Sleep);
        loop.Start();
        loop.Run(() => SleepAsync(loop));
        Assert.Equal(3, slow.Count);
        Assert.Same(late, slow[0].Watcher);
        Assert.Equal("MeasureTests.OnSlow", slow[0].Method);
        Assert.InRange(slow[0].Duration.TotalSeconds, 0.029, 5);
        Assert.Equal((null, "MeasureTests.Sleep"), (slow[1].Watcher, slow[1].Method));
        Assert.Equal((null, "MeasureTests.SleepAsync"), (slow[2].Watcher, slow[2].Method));
    }

    [Fact]
    public void Actions_that_run_in_Dispose_or_in_the_walk_that_starts_the_measuring_are_not_slow()
    {
        var slow = new List<SlowCallbackEventArgs>();

        using (var loop = new Loop(new LoopOptions { SlowCallback = TimeSpan.FromMinutes(1) }))
        {
            loop.SlowCallback += (_, e) => slow.Add(e);
            loop.Post(() => { });
        }

        using var other = new Loop();
        other.Post(() => _ = other.Statistics); // the first reading starts the measuring
        other.Post(() => { });
        other.Start();
        Assert.Empty(slow);
        other.Post(() => { });
        other.Start();
        Assert.Equal(1, other.Statistics.Events);
        Assert.InRange(other.Statistics.LongestCallback.TotalSeconds, 0, Patience);
        Assert.InRange(other.Statistics.Busy.TotalSeconds, 0, Patience);
    }

    [Fact]
    public void An_exception_of_the_handler_of_SlowCallback_leaves_Start()
    {
        using var loop = new Loop(new LoopOptions { SlowCallback = TimeSpan.FromMilliseconds(1) });
        loop.SlowCallback += (_, _) => throw new TimeZoneNotFoundException();
        loop.Timer(0, 0, OnSlow).Start();
        Assert.Throws<TimeZoneNotFoundException>(() => loop.Start());
    }

    [Fact]
    public void A_blocked_loop_is_reported_while_it_is_blocked()
    {
        using var loop = new Loop(new LoopOptions { Blocked = TimeSpan.FromMilliseconds(50) });
        using var reported = new ManualResetEventSlim();
        SlowCallbackEventArgs? blocked = null;
        bool wasReported = false;
        loop.Blocked += (_, e) =>
        {
            blocked = e;
            reported.Set();
        };
        Timer timer = loop.Timer(0, 0, (_, _) => wasReported = reported.Wait(s_patience));
        timer.Start();
        loop.Start();
        Assert.True(wasReported);
        Assert.Same(timer, blocked!.Watcher);
        Assert.Equal(nameof(MeasureTests) + "." + nameof(A_blocked_loop_is_reported_while_it_is_blocked) + " (lambda)", blocked.Method);
        Assert.InRange(blocked.Duration.TotalSeconds, 0.05, Patience);
    }

    [Fact]
    public async Task The_meter_has_the_values_of_a_named_loop()
    {
        string name = Guid.NewGuid().ToString();
        await using var thread = new LoopThread(name);
        var values = new ConcurrentDictionary<string, double>();
        using MeterListener listener = NewListener((instrument, value, loop) =>
        {
            if (loop == name)
            {
                values[instrument.Name] = value;
            }
        });
        listener.RecordObservableInstruments(); // the first reading starts the measuring
        await thread.Loop.InvokeAsync(() => Thread.Sleep(10)).WaitAsync(s_patience);
        await thread.Loop.InvokeAsync(() => { }).WaitAsync(s_patience);
        listener.RecordObservableInstruments();
        Assert.InRange(values["mood.event.loop.events"], 1, 10);
        Assert.InRange(values["mood.event.loop.busy_time"], 0.009, Patience);
        string[] all =
        [
            "mood.event.loop.active_watchers", "mood.event.loop.busy_time", "mood.event.loop.events", "mood.event.loop.idle_time",
            "mood.event.loop.iterations", "mood.event.loop.lag", "mood.event.loop.pending_posts",
        ];
        Assert.Equal(all, values.Keys.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_listener_that_throws_disturbs_no_loop()
    {
        using MeterListener listener = NewListener((_, _, _) => throw new TimeZoneNotFoundException());
        AssertRuns();
    }

    [Fact]
    public void The_meter_keeps_no_dead_loop_alive()
    {
        using MeterListener listener = NewListener((_, _, _) => { });
        WeakReference loop = Abandon();
        listener.RecordObservableInstruments();
        Collect();
        Assert.False(loop.IsAlive);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static WeakReference Abandon()
    {
        var loop = new Loop(new LoopOptions { Blocked = TimeSpan.FromSeconds(1) });
        _ = loop.Statistics;
        return new WeakReference(loop);
    }

    private static MeterListener NewListener(Action<Instrument, double, string?> measured)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Meter.Name == "Mood.Event")
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => measured(instrument, value, NameIn(tags)));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => measured(instrument, value, NameIn(tags)));
        Telemetry.Make(); // the meter is made a second after the first loop
        listener.Start();
        return listener;
    }

    private static string? NameIn(ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        tags.Length == 1 && tags[0].Key == "mood.event.loop.name" ? tags[0].Value as string : null;

    private static void AssertRuns()
    {
        using var loop = new Loop();
        int calls = 0;
        loop.Timer(0, 0.001, (timer, _) =>
        {
            if (++calls == 3)
            {
                timer.Stop();
            }
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal(3, calls);
    }

    private static void OnSlow(Timer timer, Events revents) => Thread.Sleep(30);

    private static void Sleep() => Thread.Sleep(30);

    private static async Task SleepAsync(Loop loop)
    {
        await loop.Delay(0.01);
        Thread.Sleep(30);
    }

    [Fact]
    public void A_listener_whose_exception_has_no_text_disturbs_no_loop()
    {
        using MeterListener listener = NewListener((_, _, _) => throw new UnprintableException());
        Telemetry.Report(new UnprintableException()); // only the first exception of a process is written
        AssertRuns();
    }

    [Fact]
    public void A_handler_of_Blocked_that_interrupts_its_thread_does_not_end_the_process()
    {
        using var loop = new Loop(new LoopOptions { Blocked = TimeSpan.FromMilliseconds(10) });
        using var reported = new SemaphoreSlim(0);
        loop.Blocked += (_, _) =>
        {
            Thread.CurrentThread.Interrupt();
            reported.Release();
        };
        bool wasReported = true;

        // the second report shows that the thread goes on
        for (int i = 0; i < 2; i++)
        {
            loop.Timer(0, 0, (_, _) => wasReported &= reported.Wait(s_patience)).Start();
            loop.Start();
        }

        Assert.True(wasReported);
    }

    [Fact]
    public void A_time_of_Blocked_under_10_ms_counts_as_10_ms()
    {
        long shortest = new CallbackGauge(NewLoop(), TimeSpan.Zero, TimeSpan.FromTicks(1)).Blocked;
        Assert.Equal(new CallbackGauge(NewLoop(), TimeSpan.Zero, TimeSpan.FromMilliseconds(10)).Blocked, shortest);
        Assert.Equal(0, new CallbackGauge(NewLoop(), TimeSpan.Zero, TimeSpan.Zero).Blocked);
    }
}
