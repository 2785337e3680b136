using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Runtime.CompilerServices;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>A loop on a ManualClock together with io, threads, failures and other loops.</summary>
public sealed class ManualClockLoopTests : LoopTestBase
{
    private readonly ManualClock _clock = new();
    private readonly double _start = new ManualClock().Now;
    private readonly List<string> _log = [];

    // -- the wall clock is set ----------------------------------------------------------------------------------------

    [Fact]
    public void SetUtcNow_moves_periodics_and_not_timers()
    {
        Loop loop = NewLoop(_clock);
        Timer timer = loop.Timer(10, 0, (_, _) => Log(loop, "timer"));
        timer.Start();
        Periodic midnight = loop.Periodic(0, 86400, (_, _) => Log(loop, "midnight"));
        midnight.Start();
        _clock.SetUtcNow(new DateTimeOffset(2000, 1, 5, 23, 59, 55, TimeSpan.Zero));
        Assert.True(loop.Start());
        Assert.Equal(_start + 5 * 86400, midnight.At);
        Assert.Equal(10, timer.Remaining);
        _clock.Advance(loop, 10);
        Assert.Equal([$"{5 * 86400} midnight", $"{5 * 86400 + 5} timer"], _log);

        // After the clock is set back, the same times come again.
        _clock.SetUtcNow(new DateTimeOffset(2000, 1, 5, 23, 59, 55, TimeSpan.Zero));
        _clock.Advance(loop, 10);
        Assert.Equal($"{5 * 86400} midnight", Assert.Single(_log.Skip(2)));
    }

    [Theory]
    [InlineData(0.25)]
    [InlineData(-0.25)]
    [InlineData(1e-6)]
    public void Even_the_smallest_step_of_the_wall_clock_is_noticed(double step)
    {
        Loop loop = NewLoop(_clock);
        var seen = new List<double>();
        loop.Scheduler(
            (_, now) =>
            {
                seen.Add(now);
                return now + 10;
            },
            (_, _) => Log(loop, "scheduler")).Start();
        _clock.SetUtcNow(_clock.UtcNow.AddTicks((long)(step * 1e7)));
        loop.Start(RunFlags.NoWait);
        Assert.Equal(2, seen.Count);
        Assert.Equal(_clock.Now, seen[1]);
        Assert.InRange(seen[1] - seen[0], step - 2e-7, step + 2e-7);
        _clock.Advance(loop, 10);
        Assert.Single(_log);
    }

    [Fact]
    public void A_callback_may_set_the_clock()
    {
        Loop loop = NewLoop(_clock);
        loop.Periodic(_start + 3600, 0, (_, _) => Log(loop, "periodic")).Start();
        loop.Timer(1, 0, (_, _) => _clock.SetUtcNow(new DateTimeOffset(2000, 1, 1, 0, 59, 58, TimeSpan.Zero))).Start();
        loop.Timer(4, 0, (_, _) => Log(loop, "timer")).Start();
        _clock.Advance(loop, 5);
        Assert.Equal(["3600 periodic", "3601 timer"], _log);
    }

    // -- schedulers ---------------------------------------------------------------------------------------------------

    [Fact]
    public void A_scheduler_may_round_up_or_add_to_now()
    {
        Loop loop = NewLoop(_clock);
        loop.Scheduler((_, now) => Math.Ceiling(now / 60) * 60, (_, _) => Log(loop, "minute")).Start();
        loop.Scheduler((_, now) => now + 60 - now % 60, (_, _) => Log(loop, "other")).Start();
        loop.Scheduler((_, now) => now + 50, (_, _) => Log(loop, "fifty")).Start();
        _clock.Advance(loop, 120);
        Assert.Equal(
            ["0 minute", "100 fifty", "120 minute", "120 other", "50 fifty", "60 minute", "60 other"],
            _log.Order(StringComparer.Ordinal));
    }

    [Fact]
    public void A_scheduler_that_is_always_due_does_not_stop_time()
    {
        Loop loop = NewLoop(_clock);
        int calls = 0;
        loop.Scheduler((_, now) => now, (_, _) => calls++).Start();
        _clock.Advance(loop, 0.00001);
        Assert.InRange(calls, 2, 200);
        Assert.Equal(_start + 0.00001, _clock.Now);
    }

    [Fact]
    public void A_scheduler_that_returns_a_past_time_is_stopped_as_on_a_real_clock()
    {
        Loop loop = NewLoop(_clock);
        var errors = new List<Exception>();
        loop.CallbackException += (_, e) => errors.Add(e.Exception);
        Scheduler scheduler = loop.Scheduler((_, _) => _start + 5, (_, _) => Log(loop, "call"));
        scheduler.Start();
        _clock.Advance(loop, 10);
        Assert.Equal(["5 call"], _log);
        Assert.IsType<InvalidOperationException>(Assert.Single(errors));
        Assert.False(scheduler.IsActive);
        scheduler.Dispose();
    }

    // -- io and files -------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Real_io_works_on_a_manual_clock_and_its_callback_sees_the_time_of_the_clock(Backends backend)
    {
        Loop loop = NewLoop(_clock, backend);
        (int read, int write) = Posix.Pipe();
        loop.Timer(1, 1, (_, _) => Posix.Write(write)).Start();
        loop.Io(read, Events.Read, (_, _) =>
        {
            Posix.Read(read);
            Log(loop, "io");
        }).Start();
        _clock.Advance(loop, 3.5);
        Assert.Equal(["1 io", "2 io", "3 io"], _log);
        Posix.Close(read, write);
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Start_waits_for_io_and_not_for_time(Backends backend)
    {
        Loop loop = NewLoop(_clock, backend);
        (int read, int write) = Posix.Pipe();
        loop.Timer(1000, 0, (_, _) => Log(loop, "timer")).Start();
        loop.Periodic(0, 1000, (_, _) => Log(loop, "periodic")).Start();
        loop.Io(read, Events.Read, (w, _) => w.Stop()).Start();
        var thread = new Thread(() =>
        {
            Thread.Sleep(50);
            Posix.Write(write);
        });
        thread.Start();
        Assert.True(loop.Start());
        thread.Join();
        Assert.Empty(_log);
        Assert.InRange(loop.Iteration, 1u, 20u); // the loop has waited and has not spun
        Posix.Close(read, write);
    }

    [Fact]
    public void Io_that_is_always_ready_does_not_stop_time()
    {
        Loop loop = NewLoop(_clock);
        (int read, int write) = Posix.Pipe();
        loop.Io(write, Events.Write, (_, _) => { }).Start();
        loop.Idle((_, _) => { }).Start();
        loop.Timer(1, 1, (_, _) => Log(loop, "timer")).Start();
        _clock.Advance(loop, 3);
        Assert.Equal(["1 timer", "2 timer", "3 timer"], _log);
        Posix.Close(read, write);
    }

    [Fact]
    public void Stat_polls_by_the_manual_clock()
    {
        Loop loop = NewLoop(_clock, flags: LoopFlags.NoInotify);
        string path = Path.Combine(Path.GetTempPath(), $"mood-event-{Guid.NewGuid()}");
        loop.Stat(path, 2, (_, _) => Log(loop, "stat")).Start();
        File.WriteAllText(path, "x");
        _clock.Advance(loop, 1.9);
        Assert.Empty(_log);
        _clock.Advance(loop, 10);
        Assert.Equal(["2 stat"], _log);
        File.Delete(path);
        _clock.Advance(loop, 10);
        Assert.Equal("12 stat", _log[1]);
    }

    [Fact]
    public void Posted_actions_and_fed_events_run_before_the_clock_moves()
    {
        Loop loop = NewLoop(_clock);
        Async async = loop.Async((_, _) => Log(loop, "async"));
        async.Start();
        loop.Timer(1, 1, (_, _) => Chain(3)).Start();

        void Chain(int left)
        {
            if (left > 0)
            {
                loop.Post(() => Chain(left - 1));
            }
            else
            {
                Log(loop, "posted");
                async.Send();
            }
        }

        _clock.Advance(loop, 2);
        Assert.Equal(["1 posted", "1 async", "2 posted", "2 async"], _log);
    }

    // -- threads ------------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Advance_wakes_a_loop_that_waits_on_another_thread(Backends backend)
    {
        const int Rounds = 300;
        Loop loop = NewLoop(_clock, backend);
        int calls = 0;
        using var ready = new SemaphoreSlim(0);
        using var called = new SemaphoreSlim(0);
        var runner = new Thread(() =>
        {
            loop.IncRef();

            for (int i = 0; i < Rounds; i++)
            {
                loop.Timer(60, 0, (_, _) =>
                {
                    calls++;
                    loop.Stop();
                }).Start();
                ready.Release();
                loop.Start();
                called.Release();
            }

            loop.DecRef();
        });
        runner.Start();

        for (int i = 0; i < Rounds; i++)
        {
            Assert.True(ready.Wait(TimeSpan.FromSeconds(Patience)));
            Thread.SpinWait(i * 20); // the time differs in each round: the loop does not run yet, is about to wait, or waits
            _clock.Advance(60);
            Assert.True(called.Wait(TimeSpan.FromSeconds(Patience)));
            Assert.Equal(i + 1, calls);
        }

        runner.Join();
    }

    [Fact]
    public void SetUtcNow_wakes_a_loop_that_waits_on_another_thread()
    {
        Loop loop = NewLoop(_clock);
        loop.IncRef();
        loop.Periodic(_start + 1e6, 0, (_, _) => loop.Stop()).Start();
        var thread = new Thread(() => loop.Start());
        thread.Start();
        Thread.Sleep(20);
        _clock.SetUtcNow(_clock.UtcNow.AddSeconds(2e6));
        Assert.True(thread.Join(TimeSpan.FromSeconds(Patience)));
        Assert.Equal(_start + 2e6, loop.Now());
    }

    [Fact]
    public void Run_returns_after_its_main_function_has_moved_the_clock()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(3630, 0, (_, _) => Log(loop, "timer")).Start();
        double end = loop.Run(async () =>
        {
            Task delay = Task.Delay(TimeSpan.FromHours(1), loop.TimeProvider);
            _clock.Advance(3600);
            await delay;
            _clock.Advance(loop, 60);
            return _clock.Now - _start;
        });
        Assert.Equal(3660, end);
        Assert.Equal(["3630 timer"], _log);
    }

    [Fact]
    public void Advance_of_a_loop_that_runs_is_refused_on_another_thread()
    {
        Loop loop = NewLoop(_clock);
        Exception? thrown = null;
        loop.Timer(1, 0, (_, _) =>
        {
            var thread = new Thread(() => thrown = Record.Exception(() => _clock.Advance(loop, 1)));
            thread.Start();
            thread.Join();
        }).Start();
        _clock.Advance(loop, 1);
        Assert.IsType<InvalidOperationException>(thrown);
        Assert.Equal(_start + 1, _clock.Now);
    }

    [Fact]
    public void Many_threads_may_move_one_clock()
    {
        Loop loop = NewLoop(_clock);
        loop.IncRef();
        double last = 0;
        int backwards = 0, calls = 0;
        loop.Timer(1, 1, (_, _) =>
        {
            calls++;
            backwards += loop.Now() < last ? 1 : 0;
            last = loop.Now();
        }).Start();
        var runner = new Thread(() => loop.Start());
        runner.Start();
        Thread[] movers = [.. Enumerable.Range(0, 4).Select(_ => new Thread(() =>
        {
            for (int i = 0; i < 5000; i++)
            {
                _clock.Advance(0.5);
            }
        }))];
        Array.ForEach(movers, t => t.Start());
        Array.ForEach(movers, t => t.Join());
        Assert.Equal(_start + 10_000, _clock.Now);
        loop.Post(() => loop.Stop());
        runner.Join();
        Assert.Equal(0, backwards);
        Assert.InRange(calls, 1, 10_001);
    }

    // -- several loops ------------------------------------------------------------------------------------------------

    [Fact]
    public void Two_loops_may_share_a_clock_and_a_loop_on_another_clock_is_not_affected()
    {
        Loop first = NewLoop(_clock), second = NewLoop(_clock), other = NewLoop(new ManualClock());
        first.Timer(1, 1, (_, _) => Log(first, "first")).Start();
        second.Timer(1.5, 0, (_, _) => Log(second, "second")).Start();
        other.Timer(1, 0, (_, _) => Log(other, "other")).Start();
        _clock.Advance(first, 2);
        Assert.True(other.Start());
        Assert.Equal(["1 first", "2 first"], _log);
        Assert.False(second.Start());
        Assert.Equal("2 second", _log[2]);
    }

    [Fact]
    public void A_callback_may_call_Advance_for_another_loop()
    {
        Loop outer = NewLoop(_clock), inner = NewLoop(_clock);
        inner.Timer(1, 1, (_, _) => Log(inner, "inner")).Start();
        outer.Timer(0.5, 0, (_, _) => _clock.Advance(inner, 2)).Start();
        outer.Timer(1.5, 0, (_, _) => Log(outer, "outer")).Start();
        _clock.Advance(outer, 3);
        Assert.Equal(["1 inner", "2 inner", "2.5 outer"], _log); // outer's timer is late, because its loop continues at 0.5 + 2
        Assert.Equal(_start + 3, _clock.Now);
    }

    [Fact]
    public void A_callback_may_call_Advance_for_its_own_loop()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 0, (_, _) =>
        {
            Log(loop, "begin");
            _clock.Advance(loop, 2);
            Log(loop, "end");
        }).Start();
        loop.Timer(2, 0, (_, _) => Log(loop, "inside")).Start();
        loop.Timer(4, 0, (_, _) => Log(loop, "after")).Start();
        _clock.Advance(loop, 4);
        Assert.Equal(["1 begin", "2 inside", "3 end", "4 after"], _log);
    }

    [Theory]
    [MemberData(nameof(EmbeddableBackends))]
    public void An_embedded_loop_keeps_its_own_clock(Backends backend)
    {
        Loop outer = NewLoop(), inner = NewLoop(_clock, backend);
        inner.Timer(60, 0, (_, _) => Log(inner, "inner")).Start();
        outer.Embed(inner).Start();

        for (int i = 0; i < 5; i++)
        {
            outer.Start(RunFlags.NoWait);
        }

        Assert.Empty(_log);
        _clock.Advance(60);
        outer.Start(RunFlags.Once);
        Assert.Equal(["60 inner"], _log);
        inner.Timer(60, 0, (_, _) => Log(inner, "again")).Start();
        _clock.Advance(inner, 60);
        Assert.Equal("120 again", _log[1]);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Events_that_Callback_leaves_do_not_keep_Start_from_its_end(Backends backend)
    {
        Loop loop = NewLoop(_clock, backend);
        loop.Callback = _ => { };
        loop.Idle((_, _) => Log(loop, "idle")).Feed(Events.Custom);
        loop.Timer(60, 0, (_, _) => Log(loop, "timer")).Start();
        Assert.True(loop.Start());
        Assert.Empty(_log);
        loop.Callback = null;
        _clock.Advance(loop, 60);
        Assert.Equal(["0 idle", "60 timer"], _log);
    }

    [Fact]
    public void The_default_loop_may_have_a_manual_clock()
    {
        using Loop loop = Loop.GetDefault(LoopFlags.NoEnv, clock: _clock);
        loop.Timer(60, 0, (_, _) => Log(loop, "timer")).Start();
        _clock.Advance(loop, TimeSpan.FromMinutes(1));
        Assert.Equal(["60 timer"], _log);
    }

    // -- the end ------------------------------------------------------------------------------------------------------

    [Fact]
    public void A_fatal_exception_leaves_Advance_at_its_time_and_the_next_Advance_continues()
    {
        Loop loop = NewLoop(_clock);
        var expected = new InvalidCastException();
        loop.Timer(1, 1, [Fatal] (_, _) => throw expected).Start();
        loop.Timer(1.5, 0, (_, _) => Log(loop, "later")).Start();
        Assert.Same(expected, Assert.Throws<InvalidCastException>(() => _clock.Advance(loop, 10)));
        Assert.Equal((_start + 1, _start + 1), (_clock.Now, loop.Now()));
        Assert.Empty(_log);
        Assert.Same(expected, Assert.Throws<InvalidCastException>(() => _clock.Advance(loop, 10)));
        Assert.Equal(["1.5 later"], _log);
        Assert.Equal(_start + 2, _clock.Now);
    }

    [Fact]
    public void Other_exceptions_go_to_CallbackException_and_Advance_continues()
    {
        Loop loop = NewLoop(_clock);
        loop.CallbackException += (_, e) => Log(loop, e.Exception.Message);
        loop.Timer(1, 1, (_, _) => throw new InvalidCastException("thrown")).Start();
        _clock.Advance(loop, 2);
        Assert.Equal(["1 thrown", "2 thrown"], _log);
    }

    [Theory]
    [InlineData(BreakHow.One, 1)]
    [InlineData(BreakHow.All, 1)]
    [InlineData(BreakHow.Cancel, 3)]
    public void A_callback_that_stops_the_loop_ends_Advance_at_its_time(BreakHow how, int time)
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 0, (_, _) => loop.Stop(how)).Start();
        loop.Timer(2, 0, (_, _) => Log(loop, "later")).Start();
        _clock.Advance(loop, 3);
        Assert.Equal(_start + time, _clock.Now);
        _clock.Advance(loop, 3);
        Assert.Equal(["2 later"], _log);
    }

    [Fact]
    public void After_a_Stop_of_all_Starts_in_the_same_callback_Advance_ends_at_once_until_the_Stop_is_withdrawn()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(2, 0, (_, _) => Log(loop, "later")).Start();
        loop.Timer(1, 0, (_, _) =>
        {
            loop.Stop(BreakHow.All);
            _clock.Advance(loop, 3);
            Log(loop, "stopped");
            loop.Stop(BreakHow.Cancel);
            _clock.Advance(loop, 3);
        }).Start();
        _clock.Advance(loop, 1);
        Assert.Equal(["1 stopped", "2 later"], _log);
        Assert.Equal(_start + 4, _clock.Now);
    }

    [Fact]
    public void A_Stop_of_another_thread_ends_Advance()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 1, (_, _) =>
        {
            Log(loop, "timer");
            var thread = new Thread(() => loop.Stop());
            thread.Start();
            thread.Join();
        }).Start();
        _clock.Advance(loop, 10);
        Assert.Equal(["1 timer"], _log);
        Assert.Equal(_start + 1, _clock.Now);
    }

    [Fact]
    public void A_callback_may_dispose_the_loop()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 1, (_, _) => loop.Dispose()).Start();
        _clock.Advance(loop, 10);
        Assert.Equal(_start + 1, _clock.Now);
        Assert.Throws<ObjectDisposedException>(() => _clock.Advance(loop, 1));
        _clock.Advance(1);
        Assert.Equal(_start + 2, _clock.Now);
        Assert.Throws<ObjectDisposedException>(() => loop.Now());
        Assert.Equal(0u, loop.Iteration);
    }

    [Fact]
    public void Advance_throws_if_a_timer_is_always_due_again()
    {
        Loop loop = NewLoop(_clock);
        Timer timer = loop.Timer(0, 0, (w, _) => w.Start());
        timer.Start();
        Assert.Throws<InvalidOperationException>(() => _clock.Advance(loop, 1));
        Assert.Equal(_start, _clock.Now);
        timer.Stop();
        _clock.Advance(loop, 1);
        Assert.Equal(_start + 1, _clock.Now);
        timer.Dispose();
    }

    [Fact]
    public void A_reschedule_function_may_move_the_clock_but_not_run_a_loop()
    {
        Loop loop = NewLoop(_clock), other = NewLoop(_clock);
        Exception? thrown = null;
        loop.Scheduler(
            (_, now) =>
            {
                _clock.Advance(1);
                thrown ??= Record.Exception(() => _clock.Advance(other, 1));
                return now + 10;
            },
            (_, _) => Log(loop, "call")).Start();
        Assert.IsType<InvalidOperationException>(thrown);
        _clock.Advance(loop, 9);
        Assert.Equal(["10 call"], _log);
    }

    [Fact]
    public void A_clock_does_not_keep_its_loops_alive()
    {
        Abandon();
        Collect();
        Assert.Equal((0, 0), Live());
        _clock.Advance(100);
        Assert.Empty(_log);
    }

    [Fact]
    public void Loop_Callback_sees_the_same_times()
    {
        Loop loop = NewLoop(_clock);
        loop.Callback = l =>
        {
            if (l.Pending > 0)
            {
                Log(l, "callback");
            }

            l.Invoke();
        };
        loop.Timer(1, 1, (_, _) => Log(loop, "timer")).Start();
        _clock.Advance(loop, 2);
        Assert.Equal(["1 callback", "1 timer", "2 callback", "2 timer"], _log);
    }

    [MethodImpl(MethodImplOptions.NoInlining)]
    private void Abandon()
    {
        for (int i = 0; i < 3; i++)
        {
            var loop = new Loop(LoopFlags.NoEnv, clock: _clock);
            loop.Timer(1, 1, (_, _) => _log.Add("abandoned")).Start();
        }
    }

    private void Log(Loop loop, string what) =>
        _log.Add(FormattableString.Invariant($"{Math.Round(loop.Now() - _start, 6)} {what}"));
}
