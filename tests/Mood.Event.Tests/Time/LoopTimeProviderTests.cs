using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// Loop.TimeProvider, which gives the loop's time and timers to .NET, on the system's clock and on a ManualClock.
/// </summary>
public sealed class LoopTimeProviderTests : LoopTestBase
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _log = [];

    [Fact]
    public void Change_returns_false_each_time_after_the_Dispose_of_the_loop()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        using ITimer timer = loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromDays(1), Timeout.InfiniteTimeSpan);
        loop.Dispose();
        Assert.False(timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        Assert.False(timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        Assert.False(Task.Run(() => timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan)).Result);
    }

    /// <summary>The Dispose of the loop ends the waits of .NET. A task or a source that a program uses as a timer's state stays as it is.</summary>
    [Fact]
    public void The_state_of_a_timer_of_the_program_is_left_alone_by_the_Dispose_of_the_loop()
    {
        var loop = new Loop(LoopFlags.NoEnv);
        var task = new TaskCompletionSource();
        using var source = new CancellationTokenSource();
        using ITimer first = loop.TimeProvider.CreateTimer(_ => { }, task.Task, TimeSpan.FromDays(1), Timeout.InfiniteTimeSpan);
        using ITimer second = loop.TimeProvider.CreateTimer(_ => { }, source, TimeSpan.FromDays(1), Timeout.InfiniteTimeSpan);
        loop.Dispose();
        Assert.False(task.Task.IsCompleted);
        Assert.False(source.IsCancellationRequested);
    }

    [Theory, InlineData("Run"), InlineData("Invoke"), InlineData("Dispose")]
    public void A_new_timer_on_the_home_thread_does_not_wait_for_a_callback_that_runs_on_another_thread(string how)
    {
        Loop loop = NewLoop();
        using var inside = new ManualResetEventSlim();
        using var made = new ManualResetEventSlim();
        bool wasMade = false;

        if (how == "Dispose")
        {
            loop.Post(Wait);
        }
        else if (how == "Invoke")
        {
            loop.Idle((idle, _) =>
            {
                idle.Stop();
                Wait();
            }).Feed(Events.Idle);
        }

        var thread = new Thread(Use);
        thread.Start();
        inside.Wait();

        if (how == "Dispose")
        {
            Assert.Throws<ObjectDisposedException>(Make);
        }
        else
        {
            Make();
        }

        made.Set();
        thread.Join();
        Assert.True(wasMade);

        void Wait()
        {
            inside.Set();
            wasMade = made.Wait(TimeSpan.FromSeconds(Patience));
        }

        void Make() => loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromSeconds(1), TimeSpan.Zero).Dispose();

        void Use()
        {
            if (how == "Run")
            {
                loop.Run(() =>
                {
                    Wait();
                    return Task.CompletedTask;
                });
            }
            else if (how == "Invoke")
            {
                loop.Invoke();
            }
            else
            {
                loop.Dispose();
            }
        }
    }

    [Fact]
    public void New_timers_on_the_home_thread_do_not_prevent_another_thread_from_running_the_loop()
    {
        for (int i = 0; i < 500; i++)
        {
            Loop loop = NewLoop();
            Exception? failure = null;
            var thread = new Thread(() => failure = Record.Exception(() => loop.Run(() => loop.Delay(0.001).AsTask())));
            thread.Start();

            for (int n = 0; n < 200; n++)
            {
                using ITimer timer = loop.TimeProvider.CreateTimer(_ => { }, null, TimeSpan.FromSeconds(1), TimeSpan.Zero);
            }

            thread.Join();
            Assert.Null(failure);
            loop.Dispose();
        }
    }

    [Fact]
    public void A_loop_has_one_provider_which_gives_the_time_of_the_system()
    {
        Loop loop = NewLoop();
        TimeProvider time = loop.TimeProvider;
        Assert.Same(time, loop.TimeProvider);
        Assert.InRange((time.GetUtcNow() - DateTimeOffset.UtcNow).TotalSeconds, -5, 5);
        Assert.Equal(Stopwatch.Frequency, time.TimestampFrequency);
        Assert.InRange(time.GetElapsedTime(Stopwatch.GetTimestamp()).TotalSeconds, 0, 5);
        Assert.Equal(TimeZoneInfo.Local, time.LocalTimeZone);
    }

    [Fact]
    public void The_provider_of_a_loop_on_a_manual_clock_gives_the_time_of_the_clock()
    {
        Loop loop = NewLoop(_clock);
        TimeProvider time = loop.TimeProvider;
        DateTimeOffset start = _clock.UtcNow;
        long stamp = time.GetTimestamp();
        Assert.Equal(start, time.GetUtcNow());
        _clock.Advance(90.1234567);
        Assert.Equal(start.AddSeconds(90.1234567), time.GetUtcNow());
        Assert.Equal(TimeSpan.FromTicks(901_234_567), time.GetElapsedTime(stamp));
        _clock.SetUtcNow(start);
        Assert.Equal(start, time.GetUtcNow());
        Assert.Equal(TimeSpan.FromTicks(901_234_567), time.GetElapsedTime(stamp));
    }

    // -- .NET's users of a TimeProvider ----------------------------------------------------------------------------------------

    [Fact]
    public void Task_Delay_resumes_on_the_loop_s_thread()
    {
        Loop loop = NewLoop();
        int thread = 0;
        var watch = Stopwatch.StartNew();
        Task task = loop.InvokeAsync(async () =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(30), loop.TimeProvider);
            thread = Environment.CurrentManagedThreadId;
            loop.Stop();
        });
        loop.IncRef();
        loop.Start();
        Assert.True(SpinWait.SpinUntil(() => task.IsCompletedSuccessfully, TimeSpan.FromSeconds(Patience)));
        Assert.Equal(Environment.CurrentManagedThreadId, thread);
        Assert.InRange(watch.Elapsed.TotalMilliseconds, 29, Patience * 1000);
    }

    [Fact]
    public void Task_Delay_and_CancellationTokenSource_obey_a_manual_clock()
    {
        Loop loop = NewLoop(_clock);
        Task delay = Task.Delay(TimeSpan.FromHours(1), loop.TimeProvider);
        using var source = new CancellationTokenSource(TimeSpan.FromHours(2), loop.TimeProvider);
        _clock.Advance(loop, 3599.9999999);
        Assert.False(delay.IsCompleted);
        _clock.Advance(loop, 0.0000001);
        Assert.True(delay.IsCompletedSuccessfully);
        Assert.False(source.IsCancellationRequested);
        source.CancelAfter(TimeSpan.FromHours(3)); // counts from now
        _clock.Advance(loop, TimeSpan.FromHours(2.5));
        Assert.False(source.IsCancellationRequested);
        _clock.Advance(loop, TimeSpan.FromHours(0.5));
        Assert.True(source.IsCancellationRequested);
    }

    [Fact]
    public void An_async_program_runs_through_a_day_in_exact_steps()
    {
        Loop loop = NewLoop(_clock);
        TimeProvider time = loop.TimeProvider;
        DateTimeOffset start = time.GetUtcNow();
        var ticks = new List<TimeSpan>();
        var delays = new List<TimeSpan>();
        Task counting = loop.InvokeAsync(async () =>
        {
            using var timer = new PeriodicTimer(TimeSpan.FromMinutes(1), time);

            while (ticks.Count < 1440 && await timer.WaitForNextTickAsync())
            {
                ticks.Add(time.GetUtcNow() - start);
            }
        });
        Task waiting = loop.InvokeAsync(async () =>
        {
            while (delays.Count < 24 * 36)
            {
                await Task.Delay(TimeSpan.FromSeconds(100), time);
                delays.Add(time.GetUtcNow() - start);
            }
        });
        _clock.Advance(loop, TimeSpan.FromDays(1));
        Assert.True(counting.IsCompletedSuccessfully && waiting.IsCompletedSuccessfully);
        Assert.Equal(Enumerable.Range(1, 1440).Select(i => TimeSpan.FromMinutes(i)), ticks);
        Assert.Equal(Enumerable.Range(1, 24 * 36).Select(i => TimeSpan.FromSeconds(100 * i)), delays);
    }

    [Fact]
    public void Task_Delay_can_be_cancelled_and_WaitAsync_times_out()
    {
        Loop loop = NewLoop(_clock);
        using var source = new CancellationTokenSource();
        Task delay = Task.Delay(TimeSpan.FromHours(1), loop.TimeProvider, source.Token);
        var never = new TaskCompletionSource();
        Task wait = never.Task.WaitAsync(TimeSpan.FromMinutes(1), loop.TimeProvider);
        source.Cancel();
        Assert.True(delay.IsCanceled);
        _clock.Advance(loop, 60);
        Assert.IsType<TimeoutException>(wait.Exception!.InnerException);
    }

    // -- CreateTimer --------------------------------------------------------------------------------------------------

    [Fact]
    public void A_timer_is_called_at_its_due_time_and_then_at_each_period()
    {
        Loop loop = NewLoop(_clock);
        using ITimer timer = Create(loop, "timer", 5, 2);
        _clock.Advance(loop, 10);
        Assert.Equal(["5 timer", "7 timer", "9 timer"], _log);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    [InlineData(-1.5)]
    public void A_timer_without_a_period_is_called_once(double milliseconds)
    {
        Loop loop = NewLoop(_clock);
        using ITimer timer = loop.TimeProvider.CreateTimer(
            _ => Log(loop, "once"), null, TimeSpan.FromSeconds(1), TimeSpan.FromMilliseconds(milliseconds));
        _clock.Advance(loop, 10);
        Assert.Equal(["1 once"], _log);
        Assert.True(timer.Change(TimeSpan.FromSeconds(1), Timeout.InfiniteTimeSpan));
        _clock.Advance(loop, 10);
        Assert.Equal("11 once", _log[1]);
    }

    [Fact]
    public void A_zero_due_time_is_due_in_the_next_iteration_and_an_infinite_one_never()
    {
        Loop loop = NewLoop(_clock);
        using ITimer zero = Create(loop, "zero", 0, -0.001);
        using ITimer nearly = loop.TimeProvider.CreateTimer(
            _ => Log(loop, "nearly"), null, TimeSpan.FromMilliseconds(-0.5), Timeout.InfiniteTimeSpan);
        using ITimer never = loop.TimeProvider.CreateTimer(
            _ => Log(loop, "never"), null, Timeout.InfiniteTimeSpan, TimeSpan.FromSeconds(1));
        Assert.Empty(_log);
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal(["0 nearly", "0 zero"], _log.Order());
        _clock.Advance(loop, TimeSpan.FromDays(1000));
        Assert.Equal(2, _log.Count);
    }

    [Fact]
    public void Change_counts_the_due_time_from_now()
    {
        Loop loop = NewLoop(_clock);
        using ITimer timer = Create(loop, "timer", 10, 10);
        _clock.Advance(loop, 4);
        Assert.True(timer.Change(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(3)));
        _clock.Advance(loop, 5);
        Assert.Equal(["5 timer", "8 timer"], _log);
        Assert.True(timer.Change(Timeout.InfiniteTimeSpan, TimeSpan.FromSeconds(3)));
        _clock.Advance(loop, 100);
        Assert.Equal(2, _log.Count);
        Assert.True(timer.Change(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        _clock.Advance(loop, 0);
        Assert.Equal("109 timer", _log[2]);
    }

    [Fact]
    public void A_callback_may_change_or_dispose_its_timer()
    {
        Loop loop = NewLoop(_clock);
        ITimer? timer = null;
        int calls = 0;
        timer = loop.TimeProvider.CreateTimer(
            _ =>
            {
                Log(loop, "timer");

                if (++calls == 3)
                {
                    timer!.Dispose();
                }
                else
                {
                    timer!.Change(TimeSpan.FromSeconds(calls * 10), TimeSpan.FromSeconds(1));
                }
            },
            null,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1));
        _clock.Advance(loop, 100);
        Assert.Equal(["1 timer", "11 timer", "31 timer"], _log);
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
    }

    [Fact]
    public async Task Dispose_and_DisposeAsync_end_the_timer()
    {
        Loop loop = NewLoop(_clock);
        ITimer first = Create(loop, "first", 1, 1), second = Create(loop, "second", 1, 1);
        first.Dispose();
        first.Dispose();
        await first.DisposeAsync();
        await second.DisposeAsync();
        second.Dispose();
        Assert.False(first.Change(TimeSpan.Zero, TimeSpan.Zero));
        Assert.False(second.Change(TimeSpan.Zero, TimeSpan.Zero));
        _clock.Advance(loop, 10);
        Assert.Empty(_log);
    }

    [Fact]
    public void DisposeAsync_waits_for_a_callback_that_is_running()
    {
        Loop loop = NewLoop();
        using var entered = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        ITimer timer = loop.TimeProvider.CreateTimer(
            _ =>
            {
                entered.Set();
                go.Wait();
                loop.Stop();
            },
            null,
            TimeSpan.Zero,
            TimeSpan.FromSeconds(1000));
        loop.IncRef();
        var runner = new Thread(() => loop.Start());
        runner.Start();
        entered.Wait();
        Task disposed = timer.DisposeAsync().AsTask();
        Task again = timer.DisposeAsync().AsTask();
        Assert.False(SpinWait.SpinUntil(() => disposed.IsCompleted, 30));
        go.Set();
        Assert.True(SpinWait.SpinUntil(() => disposed.IsCompleted && again.IsCompleted, TimeSpan.FromSeconds(Patience)));
        runner.Join();
        loop.Start(RunFlags.NoWait);
    }

    [Fact]
    public void Bad_arguments_are_refused_as_the_system_refuses_them()
    {
        Loop loop = NewLoop(_clock);
        TimeSpan second = TimeSpan.FromSeconds(1);

        foreach (TimeProvider time in new[] { TimeProvider.System, loop.TimeProvider })
        {
            Assert.Equal("callback", Assert.Throws<ArgumentNullException>(() => time.CreateTimer(null!, null, second, second)).ParamName);

            foreach (TimeSpan bad in new[] { TimeSpan.FromMilliseconds(-2), TimeSpan.MinValue, TimeSpan.MaxValue, TimeSpan.FromMilliseconds(0xffffffff) })
            {
                Assert.Equal("dueTime", Assert.Throws<ArgumentOutOfRangeException>(() => time.CreateTimer(_ => { }, null, bad, second)).ParamName);
                Assert.Equal("period", Assert.Throws<ArgumentOutOfRangeException>(() => time.CreateTimer(_ => { }, null, second, bad)).ParamName);
                using ITimer timer = time.CreateTimer(_ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
                Assert.Equal("dueTime", Assert.Throws<ArgumentOutOfRangeException>(() => timer.Change(bad, second)).ParamName);
                Assert.Equal("period", Assert.Throws<ArgumentOutOfRangeException>(() => timer.Change(second, bad)).ParamName);
            }

            using ITimer longest = time.CreateTimer(_ => { }, null, TimeSpan.FromMilliseconds(0xfffffffe), TimeSpan.FromMilliseconds(0xfffffffe));
        }
    }

    [Fact]
    public void The_callback_gets_the_state_and_the_execution_context_of_CreateTimer()
    {
        Loop loop = NewLoop(_clock);
        var local = new AsyncLocal<string> { Value = "captured" };
        object state = new();
        object? seen = null;
        string? flowed = null, suppressed = "nothing";
        using ITimer timer = loop.TimeProvider.CreateTimer(
            s =>
            {
                seen = s;
                flowed = local.Value;
                local.Value = "changed"; // changes the value in the callback only
            },
            state,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1));
        ITimer other;

        using (ExecutionContext.SuppressFlow())
        {
            other = loop.TimeProvider.CreateTimer(_ => suppressed = local.Value, null, TimeSpan.FromSeconds(1), TimeSpan.Zero);
        }

        using (other)
        {
            local.Value = "later";
            _clock.Advance(loop, 2);
        }

        Assert.Same(state, seen);
        Assert.Equal("captured", flowed);
        Assert.Equal("later", suppressed); // without a captured context the callback runs in that of this thread, which runs the loop
        Assert.Equal("later", local.Value);
    }

    // -- lifetime -----------------------------------------------------------------------------------------------------

    [Fact]
    public void Timers_do_not_keep_the_loop_alive()
    {
        Loop loop = NewLoop();
        using ITimer timer = Create(loop, "timer", 1000, 1000);
        Assert.False(loop.Start());
        Assert.Empty(_log);
    }

    [Fact]
    public void Exceptions_go_to_CallbackException_and_the_timer_stays_active()
    {
        Loop loop = NewLoop(_clock);
        var thrown = new List<CallbackExceptionEventArgs>();
        loop.CallbackException += (_, e) => thrown.Add(e);
        using ITimer timer = loop.TimeProvider.CreateTimer(
            _ => throw new InvalidCastException(), null, TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1));
        _clock.Advance(loop, 3);
        Assert.Equal(3, thrown.Count);
        Assert.All(thrown, e => Assert.IsType<InvalidCastException>(e.Exception));
        Assert.All(thrown, e => Assert.Null(e.Watcher));
    }

    [Fact]
    public void A_fatal_callback_stops_the_loop()
    {
        Loop loop = NewLoop(_clock);
        using ITimer timer = loop.TimeProvider.CreateTimer(
            [Fatal] (_) => throw new InvalidCastException(), null, TimeSpan.FromSeconds(1), TimeSpan.Zero);
        Assert.Throws<InvalidCastException>(() => _clock.Advance(loop, 3));
        Assert.Equal(TimeSpan.FromSeconds(1), _clock.UtcNow - new ManualClock().UtcNow);
    }

    [Fact]
    public void A_timer_without_references_keeps_running_as_in_the_system_provider_and_is_collected_after_its_end()
    {
        Loop loop = NewLoop(_clock);
        int before = Live().Watchers;
        Drop(loop);
        Assert.Equal(before + 1, Live().Watchers);
        Collect();
        _clock.Advance(loop, 10);
        Assert.Equal(["10 dropped"], _log);
        Collect();
        Assert.Equal(before, Live().Watchers);
    }

    [Fact]
    public void An_awaited_delay_is_not_collected()
    {
        Loop loop = NewLoop(_clock);
        Await(loop);
        Collect();
        _clock.Advance(loop, 60);
        Assert.Equal(["60 awaited"], _log);
    }

    [Fact]
    public void The_Dispose_of_the_loop_ends_its_timers()
    {
        Loop loop = NewLoop(_clock);
        ITimer timer = Create(loop, "timer", 1, 1);
        loop.Dispose();
        Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
        timer.Dispose();
        Assert.Throws<ObjectDisposedException>(() => Create(loop, "other", 1, 1));
        Assert.Equal(_clock.UtcNow, loop.TimeProvider.GetUtcNow());
        Assert.Empty(_log);
    }

    /// <summary>The runtime's own methods that end a wait: see OrphanedWait.net8.cs.</summary>
    [Fact]
    public void This_runtime_has_the_methods_that_OrphanedWait_calls() => Assert.True(OrphanedWait.IsComplete);

    /// <summary>If its constructor threw, its finalizer would end the process.</summary>
    [Fact]
    public async Task A_PeriodicTimer_of_a_disposed_loop_has_no_ticks()
    {
        Loop loop = NewLoop();
        loop.Dispose();
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), loop.TimeProvider);
        Assert.False(await timer.WaitForNextTickAsync());
        Assert.Throws<ObjectDisposedException>(() => timer.Period = TimeSpan.FromSeconds(2));
    }

    /// <summary>In Callback the thread claims its loop for each member. The claim of a member that calls user code must not make others wait.</summary>
    [Fact]
    public void A_callback_of_a_token_that_is_called_because_the_loop_is_being_disposed_makes_no_other_thread_wait()
    {
        Loop loop = NewLoop();
        using var source = new CancellationTokenSource(TimeSpan.FromDays(1), loop.TimeProvider);
        Exception? refused = null;
        bool wasCalled = false, hasEnded = false;
        source.Token.Register(() =>
        {
            wasCalled = true;
            var thread = new Thread(() => refused = Record.Exception(() => loop.Pending));
            thread.Start();
            hasEnded = thread.Join(TimeSpan.FromSeconds(Patience));
        });
        loop.Callback = _ =>
        {
            loop.Dispose();
            source.CancelAfter(TimeSpan.FromDays(2));
        };
        loop.Start(RunFlags.NoWait);
        Assert.True(wasCalled);
        Assert.True(hasEnded);
        Assert.IsType<InvalidOperationException>(refused);
    }

    [Theory, InlineData("Dispose"), InlineData("callback"), InlineData("before the loop runs"), InlineData("inside Dispose"), InlineData("after Dispose in a callback")]
    public async Task The_Dispose_of_the_loop_ends_the_waits_for_its_timers(string how)
    {
        Loop loop = NewLoop();
        TimeSpan day = TimeSpan.FromDays(1);
        Task? delay = null, wait = null;
        ValueTask<bool> tick = default;
        CancellationTokenSource? source = null;
        using var periodic = new PeriodicTimer(day, loop.TimeProvider);

        switch (how)
        {
            case "Dispose":
                Begin();
                loop.Dispose();
                break;
            case "callback":
                Begin();
                loop.Timer(0, 0, (_, _) => loop.Dispose()).Start();
                loop.Start();
                break;
            case "before the loop runs":
                await Task.Factory.StartNew(Begin, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
                loop.Dispose();
                break;
            case "inside Dispose":
                loop.Post(Begin);
                loop.Dispose();
                break;
            default:
                loop.Timer(0, 0, (_, _) =>
                {
                    loop.Dispose();
                    Begin();
                }).Start();
                loop.Start();
                break;
        }

        TimeSpan patience = TimeSpan.FromSeconds(Patience);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => delay!.WaitAsync(patience));
        await Assert.ThrowsAsync<ObjectDisposedException>(() => wait!.WaitAsync(patience));
        Assert.False(await tick.AsTask().WaitAsync(patience));
        Assert.True(source!.IsCancellationRequested);
        source.Dispose();

        void Begin()
        {
            delay = Task.Delay(day, loop.TimeProvider);
            wait = new TaskCompletionSource<int>().Task.WaitAsync(day, loop.TimeProvider);
            tick = periodic.WaitForNextTickAsync();
            source = new CancellationTokenSource(day, loop.TimeProvider);
        }
    }

    [Fact]
    public void A_function_that_waits_for_a_timer_ends_with_the_loop()
    {
        Loop loop = NewLoop();
        Task call = loop.InvokeAsync(async () =>
        {
            try
            {
                await Task.Delay(TimeSpan.FromDays(1), loop.TimeProvider);
            }
            finally
            {
                _log.Add("finally");
            }
        });
        loop.Start(RunFlags.NoWait);
        loop.Dispose();
        Assert.Equal(["finally"], _log);
        Assert.IsType<ObjectDisposedException>(call.Exception!.InnerException);
    }

    [Fact]
    public void An_exception_of_a_token_s_callback_does_not_leave_Dispose()
    {
        Loop loop = NewLoop();
        var thrown = new List<Exception>();
        loop.CallbackException += (_, e) => thrown.Add(e.Exception);
        using var source = new CancellationTokenSource(TimeSpan.FromDays(1), loop.TimeProvider);
        source.Token.Register(() => throw new InvalidTimeZoneException());
        loop.Dispose();
        Assert.IsType<InvalidTimeZoneException>(Assert.Single(thrown));
    }

    [Fact]
    public void A_callback_may_dispose_the_loop()
    {
        Loop loop = NewLoop(_clock);
        using ITimer timer = loop.TimeProvider.CreateTimer(
            _ =>
            {
                Log(loop, "timer");
                loop.Dispose();
            },
            null,
            TimeSpan.FromSeconds(1),
            TimeSpan.FromSeconds(1));
        _clock.Advance(loop, 5);
        Assert.Equal(["1 timer"], _log);
    }

    // -- threads ------------------------------------------------------------------------------------------------------

    [Fact]
    public void A_timer_that_a_slow_callback_creates_is_not_called_early()
    {
        Loop loop = NewLoop();
        double elapsed = 0;
        ITimer? timer = null;
        loop.IncRef();
        loop.Timer(0, 0, (_, _) =>
        {
            Thread.Sleep(150);
            var watch = Stopwatch.StartNew();
            timer = loop.TimeProvider.CreateTimer(
                _ =>
                {
                    elapsed = watch.Elapsed.TotalMilliseconds;
                    loop.Stop();
                },
                null,
                TimeSpan.FromMilliseconds(100),
                TimeSpan.Zero);
        }).Start();
        loop.Start();
        Assert.InRange(elapsed, 99, Patience * 1000);
        timer!.Dispose();
    }

    [Fact]
    public void Another_thread_may_create_a_timer_while_the_loop_waits()
    {
        Loop loop = NewLoop();
        loop.IncRef();
        var runner = new Thread(() => loop.Start());
        runner.Start();
        int thread = 0;
        Thread.Sleep(20);
        using ITimer timer = loop.TimeProvider.CreateTimer(
            _ =>
            {
                thread = Environment.CurrentManagedThreadId;
                loop.Stop();
            },
            null,
            TimeSpan.FromMilliseconds(10),
            TimeSpan.Zero);
        Assert.True(runner.Join(TimeSpan.FromSeconds(Patience)));
        Assert.Equal(runner.ManagedThreadId, thread);
    }

    [Fact]
    public void A_delay_of_another_thread_counts_from_its_call()
    {
        Loop loop = NewLoop(_clock);
        Task? delay = null;
        var thread = new Thread(() => delay = Task.Delay(TimeSpan.FromSeconds(10), loop.TimeProvider));
        thread.Start();
        thread.Join();
        _clock.Advance(4); // the loop has not taken the posted delay yet
        loop.Start(RunFlags.NoWait);
        _clock.Advance(loop, 5.9);
        Assert.False(delay!.IsCompleted);
        _clock.Advance(loop, 0.1);
        Assert.True(delay.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_reschedule_function_may_create_a_timer()
    {
        Loop loop = NewLoop(_clock);
        ITimer? timer = null;
        loop.Scheduler(
            (_, now) =>
            {
                timer ??= Create(loop, "timer", 1, 0);
                return now + 100;
            },
            (_, _) => { }).Start();
        _clock.Advance(loop, 2);
        Assert.Equal(["1 timer"], _log);
        timer!.Dispose();
    }

    [Fact]
    public void Several_threads_may_make_change_and_dispose_timers_at_once()
    {
        Loop loop = NewLoop();
        int before = Live().Watchers, calls = 0, afterDispose = 0;
        loop.IncRef();
        var runner = new Thread(() => loop.Start());
        runner.Start();
        double end = Environment.TickCount64 + (Patience * 1000);
        Thread[] threads = [.. Enumerable.Range(0, 6).Select(seed => new Thread(() =>
        {
            var random = new Random(seed);

            // On a busy machine, all timers may be disposed before the loop's thread runs.
            for (int i = 0; i < 1500 || (Volatile.Read(ref calls) == 0 && Environment.TickCount64 < end); i++)
            {
                var gone = new StrongBox<bool>();
                ITimer timer = loop.TimeProvider.CreateTimer(
                    s =>
                    {
                        Interlocked.Increment(ref calls);
                        afterDispose += ((StrongBox<bool>)s!).Value ? 1 : 0;
                    },
                    gone,
                    TimeSpan.FromMilliseconds(random.Next(-1, 2)),
                    TimeSpan.FromMilliseconds(random.Next(-1, 2)));

                for (int j = random.Next(4); j > 0; j--)
                {
                    Assert.True(timer.Change(TimeSpan.FromMilliseconds(random.Next(-1, 3)), TimeSpan.FromMilliseconds(random.Next(-1, 2))));
                }

                if (random.Next(2) == 0)
                {
                    Assert.True(timer.DisposeAsync().AsTask().Wait(TimeSpan.FromSeconds(Patience)));
                    gone.Value = true; // the callback must not run any more
                }
                else
                {
                    timer.Dispose();
                }

                Assert.False(timer.Change(TimeSpan.Zero, TimeSpan.Zero));
            }
        }))];
        Array.ForEach(threads, t => t.Start());
        Array.ForEach(threads, t => t.Join());
        loop.Post(() => loop.Stop());
        Assert.True(runner.Join(TimeSpan.FromSeconds(Patience)));
        Assert.Equal(0, afterDispose);
        Assert.InRange(calls, 1, int.MaxValue);
        loop.Start(RunFlags.NoWait);
        Collect();
        Assert.Equal(before, Live().Watchers);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Drop(Loop loop) => Create(loop, "dropped", 10, 0);

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Await(Loop loop) => loop.InvokeAsync(async () =>
    {
        await Task.Delay(TimeSpan.FromSeconds(60), loop.TimeProvider);
        Log(loop, "awaited");
    });

    private ITimer Create(Loop loop, string name, double due, double period) => loop.TimeProvider.CreateTimer(
        _ => Log(loop, name), null, TimeSpan.FromSeconds(due), TimeSpan.FromSeconds(period));

    private void Log(Loop loop, string what) =>
        _log.Add(FormattableString.Invariant($"{Math.Round(loop.Now() - new ManualClock().Now, 6)} {what}"));
}
