using System;
using System.Threading;
using System.Collections.Generic;
using System.Diagnostics;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Timer: times, repetition, Reset and Restart, and the order of calls.</summary>
public sealed class TimerTests : LoopTestBase
{
    private static readonly Action<Timer, Events> s_nothing = (_, _) => { };

    public static TheoryData<double> NotFinite => new(double.NaN, double.PositiveInfinity, double.NegativeInfinity);

    /// <summary>Every state in which Restart can find a timer.</summary>
    public static TheoryData<string> States => new("new", "active", "due", "pending", "stopped", "expired");

    public static TheoryData<double> BadRepeats =>
        new(-1, -double.Epsilon, double.NaN, double.PositiveInfinity, double.NegativeInfinity);

    [Fact]
    public void A_timer_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Timer(loop, 1, 0, s_nothing), loop);
    }

    [Fact]
    public void Constructors_and_factories_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();
        Timer[] timers =
        [
            new Timer(loop, 1.5, 0.25, s_nothing, data, 1),
            new Timer(loop, TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(0.25), s_nothing, data, 1),
            loop.Timer(1.5, 0.25, s_nothing, data, 1),
            loop.Timer(TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(0.25), s_nothing, data, 1),
        ];

        foreach (Timer timer in timers)
        {
            WatcherContract.Has(timer, data, 1);
            Assert.Same(loop, timer.Loop);
            Assert.Same(s_nothing, timer.Callback);
            Assert.Equal(1.5, timer.Remaining);
            Assert.Equal(0.25, timer.Repeat);
            timer.Dispose();
        }
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Timer(null!, 1, 0, s_nothing));
        Assert.Throws<ArgumentNullException>("loop", () => new Timer(null!, TimeSpan.Zero, TimeSpan.Zero, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Timer(loop, 1, 0, null!));
        Assert.Throws<ArgumentNullException>("callback", () => loop.Timer(1, 0, null!));

        Timer timer = loop.Timer(1, 0, s_nothing);
        Assert.Throws<ArgumentNullException>(() => timer.Callback = null);
        Assert.Same(s_nothing, timer.Callback);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(NotFinite))]
    public void After_must_be_finite(double bad)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("after", () => loop.Timer(bad, 0, s_nothing));

        Timer timer = loop.Timer(5, 2, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("after", () => timer.Set(bad, 1));
        Assert.Equal((5, 2), (timer.Remaining, timer.Repeat));
        timer.Dispose();
    }

    [Theory, MemberData(nameof(BadRepeats))]
    public void Repeat_must_be_finite_and_not_negative(double bad)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("repeat", () => loop.Timer(1, bad, s_nothing));

        Timer timer = loop.Timer(5, 2, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("repeat", () => timer.Set(1, bad));
        Assert.Throws<ArgumentOutOfRangeException>(() => timer.Repeat = bad);
        Assert.Equal((5, 2), (timer.Remaining, timer.Repeat));

        timer.Reset(); // uses the repeat that libev has
        Assert.InRange(timer.Remaining, 1.999, 2.001);
        timer.Dispose();
    }

    [Fact]
    public void A_disposed_loop_refuses_a_timer()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(1, 2, s_nothing);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Timer(1, 0, s_nothing));
        Assert.Throws<ObjectDisposedException>(timer.Start);
        Assert.Throws<ObjectDisposedException>(timer.Reset);
        Assert.Throws<ObjectDisposedException>(() => timer.Set(1, 0));
        Assert.Equal((0, 2), (timer.Remaining, timer.Repeat));
        timer.Stop();
        timer.Dispose();
    }

    [Fact]
    public void A_disposed_timer_keeps_its_getters_only()
    {
        Timer timer = NewLoop().Timer(1, 2, s_nothing);
        WatcherContract.Dispose(timer);
        Assert.Throws<ObjectDisposedException>(() => timer.Set(1, 1));
        Assert.Throws<ObjectDisposedException>(() => timer.Set(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Throws<ObjectDisposedException>(timer.Reset);
        Assert.Throws<ObjectDisposedException>(() => timer.Repeat = 1);
        Assert.Equal(2, timer.Repeat);
        Assert.Equal(0, timer.Remaining);
    }

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Timer timer = NewLoop().Timer(60, 0, (_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(timer, () => seen);
    }

    [Fact]
    public void Set_takes_seconds_and_time_spans()
    {
        using Timer timer = NewLoop().Timer(1, 0, s_nothing);
        timer.Set(3, 4);
        Assert.Equal((3, 4), (timer.Remaining, timer.Repeat));
        timer.Set(TimeSpan.FromMilliseconds(500), TimeSpan.FromMilliseconds(250));
        Assert.Equal((0.5, 0.25), (timer.Remaining, timer.Repeat));
    }

    [Fact]
    public void An_infinite_time_is_refused_and_does_not_fire_at_once()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(TimeSpan.FromHours(1), TimeSpan.Zero, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("after", () => timer.Set(Timeout.InfiniteTimeSpan, TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>("repeat", () => timer.Set(TimeSpan.Zero, Timeout.InfiniteTimeSpan));
        Assert.Throws<ArgumentOutOfRangeException>("after", () => loop.Timer(Timeout.InfiniteTimeSpan, TimeSpan.Zero, s_nothing));
        Assert.Throws<ArgumentOutOfRangeException>("repeat", () => loop.Timer(TimeSpan.Zero, Timeout.InfiniteTimeSpan, s_nothing));
        Assert.Equal(3600, timer.Remaining);
    }

    [Fact]
    public void Set_is_refused_while_active_or_pending_and_changes_nothing()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(2, 0, (_, _) => calls++);
        timer.Start();
        Assert.Throws<InvalidOperationException>(() => timer.Set(0, 9));
        Assert.Throws<InvalidOperationException>(() => timer.Set(TimeSpan.Zero, TimeSpan.FromSeconds(9)));
        Assert.Equal(0, timer.Repeat);
        Assert.InRange(timer.Remaining, 1.999, 2.001);
        clock.Run(1);
        Assert.Equal(0, calls);
        clock.Run(1.1);
        Assert.Equal(1, calls);
        Assert.False(timer.IsActive);

        timer.Set(5, 6);
        timer.Feed(Events.Custom);
        Assert.Throws<InvalidOperationException>(() => timer.Set(0, 9));
        Assert.Equal((5, 6), (timer.Remaining, timer.Repeat));
        timer.Clear();
        timer.Set(7, 8);
        Assert.Equal((7, 8), (timer.Remaining, timer.Repeat));
        timer.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_timer_does_not_expire_early(Backends backend)
    {
        Loop loop = NewLoop(backend);
        Events seen = Events.None;
        var watch = Stopwatch.StartNew();
        loop.Now(update: true);
        Timer timer = loop.Timer(0.03, 0, (_, e) => seen = e);
        timer.Start();
        Assert.False(loop.Start());
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.03, Patience);
        Assert.Equal(Events.Timer, seen);
        Assert.False(timer.IsActive);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_time_of_zero_or_less_expires_in_the_first_iteration(Backends backend)
    {
        foreach (double after in new[] { 0, -1, -1e300 })
        {
            using Loop loop = new(LoopFlags.NoEnv, backend);
            int calls = 0;
            loop.Timer(after, 0, (_, _) => calls++).Start();
            Assert.False(loop.Start(RunFlags.NoWait));
            Assert.Equal(1, calls);
        }
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Timers_with_huge_times_do_not_expire(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;

        foreach (double after in new[] { 1e9, 1e300, double.MaxValue })
        {
            Timer timer = loop.Timer(after, 0, (_, _) => calls++);
            Assert.Equal(after, timer.Remaining);
            timer.Start();
            Assert.InRange(timer.Remaining, after * 0.999, double.MaxValue);
        }

        // With such times the loop must neither spin nor wait too long for other timers.
        loop.Timer(0.02, 0, (_, _) => loop.Stop()).Start();
        Assert.True(loop.Start());
        Assert.Equal(0, calls);
        Assert.InRange(loop.Iteration, 1u, 20u);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_repeating_timer_is_called_at_multiples_of_its_period(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        int calls = 0;
        Timer timer = loop.Timer(0.1, 0.2, (_, _) => calls++);
        timer.Start();

        for (int i = 0; i < 20; i++)
        {
            Assert.True(clock.Run(0.05));
        }

        // In one second the timer is due at 0.1, 0.3, 0.5, 0.7 and 0.9.
        Assert.Equal(5, calls);
        Assert.True(timer.IsActive);
    }

    [Fact]
    public void A_repeating_timer_that_missed_several_periods_is_called_once()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        loop.Timer(0.1, 0.1, (_, _) => calls++).Start();
        clock.Run(5);
        Assert.Equal(1, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Timers_of_one_iteration_run_in_the_order_of_their_times(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        var log = new List<double>();

        foreach (double after in new[] { 0.3, 0.1, 0.2 })
        {
            loop.Timer(after, 0, (w, _) => log.Add((double)w.Data!), data: after).Start();
        }

        Assert.False(clock.Run(1));
        Assert.Equal([0.1, 0.2, 0.3], log);
        Assert.Equal(1u, loop.Iteration);
    }

    [Fact]
    public void Priority_comes_before_time()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        var log = new List<int>();

        for (int priority = Ev.MinPriority; priority <= Ev.MaxPriority; priority++)
        {
            loop.Timer(0.5 + (0.1 * priority), 0, (w, _) => log.Add(w.Priority), priority: priority).Start();
        }

        clock.Run(1);
        Assert.Equal([2, 1, 0, -1, -2], log);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_due_in_the_same_iteration_runs_first(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        string log = "";
        loop.Timer(0.5, 0, (_, _) => log += "T").Start();
        loop.Periodic(clock.Wall + 0.6, 0, (_, _) => log += "P").Start();
        Assert.False(clock.Run(1));
        Assert.Equal("PT", log);
    }

    [Fact]
    public void Remaining_counts_down_while_the_timer_is_active_and_stands_still_while_it_is_not()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        Timer timer = loop.Timer(5, 0, s_nothing);
        Assert.Equal(5, timer.Remaining);
        clock.Pass(0.3);
        timer.Start(); // counts from the time of the clock, not from the time of the last iteration
        Assert.InRange(timer.Remaining, 4.9999, 5.0001);
        loop.Now(update: true);
        Assert.InRange(timer.Remaining, 4.9999, 5.0001);
        clock.Pass(0.3);
        loop.Now(update: true);
        Assert.InRange(timer.Remaining, 4.6999, 4.7001);
        timer.Stop();
        Assert.InRange(timer.Remaining, 4.6999, 4.7001);
        clock.Pass(0.3);
        loop.Now(update: true);
        Assert.InRange(timer.Remaining, 4.6999, 4.7001);
        timer.Start();
        Assert.InRange(timer.Remaining, 4.6999, 4.7001);
        timer.Dispose();
    }

    [Fact]
    public void Remaining_is_never_negative()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        Timer timer = loop.Timer(-1, 0, s_nothing);
        Assert.Equal(0, timer.Remaining);
        timer.Set(1, 0);
        timer.Start();
        clock.Pass(2);
        loop.Now(update: true);
        Assert.True(timer.IsActive); // the timer is due, but the loop has not run
        Assert.Equal(0, timer.Remaining);
        clock.Run(0);
        Assert.False(timer.IsActive);
        Assert.Equal(0, timer.Remaining);
        timer.Dispose();
    }

    [Fact]
    public void Repeat_set_while_active_counts_from_the_next_expiry_or_reset()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(2, 1, (_, _) => calls++);
        timer.Start();
        timer.Repeat = 3;
        Assert.Equal(3, timer.Repeat);
        Assert.InRange(timer.Remaining, 1.9999, 2.0001);
        clock.Run(2.5);
        Assert.Equal(1, calls);
        Assert.InRange(timer.Remaining, 2.4999, 2.5001);
        timer.Repeat = 4;
        timer.Reset();
        Assert.InRange(timer.Remaining, 3.9999, 4.0001);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Repeat_set_to_zero_makes_the_next_call_the_last()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(1, 1, (_, _) => calls++);
        timer.Start();
        clock.Run(1.1);
        timer.Repeat = 0;
        Assert.False(clock.Run(1.1));
        Assert.Equal(2, calls);
        Assert.False(timer.IsActive);
        timer.Dispose();
    }

    [Fact]
    public void Repeat_set_on_a_one_shot_timer_makes_it_repeat()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(1, 0, (_, _) => calls++);
        timer.Start();
        timer.Repeat = 1;
        Assert.True(clock.Run(1.1));
        Assert.True(clock.Run(1.1));
        Assert.Equal(2, calls);
    }

    [Fact]
    public void Reset_postpones_an_idle_timeout()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 1, (_, _) => calls++);
        timer.Reset(); // starts the timer, which is due after Repeat
        Assert.True(timer.IsActive);

        for (int i = 0; i < 5; i++)
        {
            clock.Run(0.9);
            timer.Reset();
        }

        Assert.Equal(0, calls);
        clock.Run(1.1);
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Reset_of_a_timer_that_does_not_repeat_is_refused_and_names_Restart()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 0, (_, _) => calls++);
        Assert.Contains("Restart", Assert.Throws<InvalidOperationException>(timer.Reset).Message, StringComparison.Ordinal);
        Assert.Equal((false, false), (timer.IsActive, timer.IsPending));
        timer.Start();
        Assert.Throws<InvalidOperationException>(timer.Reset);
        Assert.True(timer.IsActive);
        timer.Feed(Events.Timer);
        Assert.Throws<InvalidOperationException>(timer.Reset);
        Assert.True(timer.IsPending);
        Assert.False(loop.Start());
        Assert.Equal(2, calls);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(States))]
    public void Restart_counts_from_now_whatever_the_state(string state)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(2, 0, (_, _) => calls++);
        Bring(timer, state, clock);
        calls = 0;

        timer.Restart();
        Assert.Equal((true, false), (timer.IsActive, timer.IsPending));
        Assert.InRange(timer.Remaining, 1.9999, 2.0001);
        clock.Run(1.9);
        Assert.Equal(0, calls);
        Assert.False(clock.Run(0.2));
        Assert.Equal(1, calls);

        Bring(timer, state, clock);
        calls = 0;
        timer.Restart(3);
        Assert.InRange(timer.Remaining, 2.9999, 3.0001);
        clock.Run(2.9);
        Assert.Equal(0, calls);
        Assert.False(clock.Run(0.2));
        Assert.Equal(1, calls);

        // The timer keeps the time that Restart was given, as it keeps a time given to Set.
        timer.Restart();
        Assert.InRange(timer.Remaining, 2.9999, 3.0001);
        loop.Verify();
        timer.Dispose();
    }

    [Theory, MemberData(nameof(States))]
    public void Restart_keeps_Repeat_and_the_loops_reference_count(string state)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer timer = loop.Timer(1, 2, (_, _) => calls++);
        timer.KeepAlive = false;
        Bring(timer, state, clock);
        calls = 0;
        timer.Restart(TimeSpan.FromSeconds(3));
        Assert.Equal(2, timer.Repeat);
        Assert.False(clock.Run(3.1));
        Assert.Equal(1, calls);
        Assert.InRange(timer.Remaining, 1.8, 2);
        Assert.False(clock.Run(2));
        Assert.Equal(2, calls);

        timer.KeepAlive = true;
        timer.Restart();
        Assert.True(loop.Start(RunFlags.NoWait));
        timer.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        loop.Verify();
        timer.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_one_shot_timer_that_restarts_itself_waits_its_time_again(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var watch = Stopwatch.StartNew();
        loop.Now(update: true);
        int calls = 0;
        Timer timer = loop.Timer(0.01, 0, (w, _) =>
        {
            if (++calls < 5)
            {
                w.Restart();
            }
        });
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(5, calls);
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.0499, Patience);
        timer.Dispose();
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void Restart_with_no_time_is_due_in_the_next_iteration(double after)
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(60, 0, (_, _) => calls++);
        timer.Start();
        timer.Restart(after);
        Assert.Equal((true, 0.0), (timer.IsActive, timer.Remaining));
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(NotFinite))]
    public void Restart_refuses_times_that_are_not_finite_and_changes_nothing(double bad)
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(5, 2, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("after", () => timer.Restart(bad));
        Assert.Throws<ArgumentOutOfRangeException>("after", () => timer.Restart(Timeout.InfiniteTimeSpan));
        Assert.Equal((false, 5, 2), (timer.IsActive, timer.Remaining, timer.Repeat));
        timer.Dispose();
        Assert.Throws<ObjectDisposedException>(timer.Restart);
        Assert.Throws<ObjectDisposedException>(() => timer.Restart(1));
        timer = loop.Timer(5, 2, s_nothing);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(timer.Restart);
        timer.Dispose();
    }

    [Fact]
    public void Reset_discards_a_pending_event()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(1, 60, (_, _) => calls++);
        timer.Feed(Events.Timer);
        timer.Reset();
        Assert.False(timer.IsPending);
        loop.Invoke();
        Assert.Equal(0, calls);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void One_shot_repeating_and_stopped_timers_are_called_the_right_number_of_times(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int shots = 0, repeats = 0, stopped = 0;
        var watch = Stopwatch.StartNew();
        loop.Now(update: true);

        for (int i = 1; i <= 10; i++)
        {
            loop.Timer(i * 0.01, 0, (_, _) => shots++).Start();
        }

        loop.Timer(0.02, 0.02, (w, _) =>
        {
            if (++repeats == 5)
            {
                w.Stop();
            }
        }).Start();

        Timer never = loop.Timer(0.01, 0.01, (_, _) => stopped++);
        never.Start();
        never.Stop();

        Assert.False(loop.Start());
        Assert.Equal((10, 5, 0), (shots, repeats, stopped));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.1, Patience);
        never.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_huge_repeat_is_called_once(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var log = new List<string>();

        void Called(Timer w, Events e)
        {
            log.Add((string)w.Data!);

            if (log.Count == 10)
            {
                loop.Stop();
            }
        }

        loop.Timer(0.002, 0.002, Called, data: "tiny").Start();
        loop.Timer(0.001, 9e15, Called, data: "huge").Start();
        Assert.True(loop.Start());
        Assert.Equal(["huge", "tiny", "tiny", "tiny", "tiny", "tiny", "tiny", "tiny", "tiny", "tiny"], log);
    }

    [Fact]
    public void Now_stands_still_inside_a_callback_until_it_is_updated()
    {
        Loop loop = NewLoop();
        double before = 0, slept = 0, updated = 0;

        loop.Timer(0, 0, (_, _) =>
        {
            before = loop.Now();
            Ev.Sleep(0.03);
            slept = loop.Now();
            updated = loop.Now(update: true);
        }).Start();

        loop.Start();
        Assert.Equal(before, slept);
        Assert.InRange(updated - before, 0.0299, Patience);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_timer_with_KeepAlive_false_does_not_keep_the_loop_alive(Backends backend)
    {
        Loop loop = NewLoop(backend);
        string log = "";
        Timer first = loop.Timer(0, 60, (w, _) =>
        {
            log += "1";
            w.Stop();
        });

        Assert.False(loop.Start());
        first.Start();
        first.KeepAlive = false;
        first.Reset();
        first.Stop();
        first.Start(); // Reset has replaced the time `after` by the repeat

        Timer second = loop.Timer(-1, 0, (_, _) => log += "2");
        second.KeepAlive = false;
        second.Start();
        Assert.False(loop.Start());
        Assert.Equal("2", log);
        Assert.True(first.IsActive);

        first.KeepAlive = true;
        first.Repeat = 0.01;
        first.Reset();
        Assert.False(loop.Start());
        Assert.Equal("21", log);
        first.Dispose();
        second.Dispose();
    }

    [Theory]
    [InlineData("expires")]
    [InlineData("restarted")]
    [InlineData("stopped")]
    [InlineData("disposed")]
    [InlineData("cleared")]
    public void However_a_background_timer_ends_the_reference_count_is_correct(string how)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        Timer background = loop.Timer(1, 0, s_nothing);
        background.KeepAlive = false;
        background.Start();
        Timer kept = loop.Timer(3, 0, s_nothing);
        kept.Start();

        switch (how)
        {
            case "restarted":
                background.Restart();
                break;
            case "stopped":
                background.Stop();
                break;
            case "disposed":
                background.Dispose();
                break;
            case "cleared":
                // libev stops the timer when it expires, but its callback is not called.
                loop.Timer(0.9, 0, [Fatal] (_, _) => Assert.Equal(Events.Timer, background.Clear()), priority: 2).Start();
                break;
        }

        Assert.True(clock.Run(2));
        Assert.False(background.IsActive);
        Assert.True(clock.Run(0.1));
        Assert.False(clock.Run(2));
        Assert.False(kept.IsActive);
        background.Dispose();
        kept.Dispose();
    }

    [Fact]
    public void KeepAlive_can_change_in_the_callback()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 0.001, (w, _) =>
        {
            if (++calls == 3)
            {
                w.KeepAlive = false;
            }
        });
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(3, calls);
        Assert.True(timer.IsActive);
    }

    [Fact]
    public void A_callback_replaced_while_active_is_used_by_the_next_event()
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Timer(0, 0.001, (w, _) =>
        {
            log += "a";
            w.Callback = (w, _) =>
            {
                log += "b";
                w.Stop();
            };
        }).Start();
        Assert.False(loop.Start());
        Assert.Equal("ab", log);
    }

    [Fact]
    public void Reset_starts_a_stopped_repeating_timer()
    {
        Loop loop = NewLoop();
        Timer timer = loop.Timer(0, 0.002, (w, _) =>
        {
            int count = (int)w.Data! + 1;
            w.Data = count;

            if (count >= 8)
            {
                w.Stop();
            }
        }, data: 0);

        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(8, timer.Data);
        timer.Reset();
        Assert.False(loop.Start());
        Assert.Equal(9, timer.Data);
        timer.Dispose();
    }

    [Fact]
    public void A_timer_may_set_and_start_itself_in_its_callback()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 0, (w, _) =>
        {
            if (++calls < 5)
            {
                w.Set(0.001 * calls, 0);
                w.Start();
            }
        });
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(5, calls);
        timer.Dispose();
    }

    [Fact]
    public void A_timer_may_dispose_itself_in_its_callback()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Timer timer = loop.Timer(0, 0.001, (w, _) =>
        {
            calls++;
            w.Dispose();
        });
        timer.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.Throws<ObjectDisposedException>(timer.Start);
    }

    [Fact]
    public void A_callback_can_stop_a_timer_that_is_due_in_the_same_iteration()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Timer second = loop.Timer(0.2, 1, (_, _) => calls++);
        second.Start();
        loop.Timer(0.1, 0, [Fatal] (_, _) =>
        {
            Assert.True(second.IsPending);
            second.Stop();
            Assert.False(second.IsPending);
        }).Start();
        Assert.False(clock.Run(1));
        Assert.Equal(0, calls);
        second.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void The_loop_runs_as_long_as_a_timer_is_active(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        Assert.False(loop.Start(RunFlags.NoWait));
        Timer timer = loop.Timer(60, 0.02, (w, _) =>
        {
            calls++;
            w.Stop();
        });
        timer.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(0, calls);
        timer.Reset();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        timer.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_Stop_that_was_withdrawn_does_not_end_Start(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        loop.Timer(0, 0, (_, _) =>
        {
            loop.Stop();
            loop.Stop(BreakHow.Cancel);
        }).Start();
        loop.Timer(0.01, 0, (_, _) => calls++).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void A_hundred_thousand_timers_leak_nothing()
    {
        Loop loop = NewLoop();
        int watchers = Live().Watchers, calls = 0;
        Timer? last = null;

        for (int i = 0; i < 100_000; i++)
        {
            last?.Dispose();
            last = loop.Timer(-1, 0, (w, _) => calls += (int)w.Data!, data: i);
            last.Start();
        }

        Assert.False(loop.Start());
        Assert.Equal(99_999, calls);
        last!.Dispose();
        Assert.Equal(watchers, Live().Watchers);
    }

    [Fact]
    public void A_hundred_thousand_timers_that_were_not_started_are_collected()
    {
        Loop loop = NewLoop();
        int watchers = Live().Watchers, calls = 0;
        Drop(loop, () => calls++);
        Assert.True(Posix.Until(() =>
        {
            Collect();
            return Live().Watchers == watchers;
        }));
        Assert.False(loop.Start());
        Assert.Equal(0, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void Steps_of_the_wall_clock_do_not_move_a_timer(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        int calls = 0;
        Timer timer = loop.Timer(4, 0, (_, _) => calls++);
        timer.Start();

        clock.Step(3600);
        Assert.True(clock.Run(1));
        Assert.InRange(loop.Now(), clock.Wall - 0.001, clock.Wall + 0.001); // the loop has noticed the step
        Assert.InRange(timer.Remaining, 2.999, 3.001);

        clock.Step(-7200);
        Assert.True(clock.Run(1));
        Assert.InRange(loop.Now(), clock.Wall - 0.001, clock.Wall + 0.001);
        Assert.InRange(timer.Remaining, 1.999, 2.001);
        Assert.Equal(0, calls);

        Assert.False(clock.Run(2.1));
        Assert.Equal(1, calls);
        timer.Dispose();
    }

    // A method of its own, so that no local of the test keeps the last timer alive.
    [System.Runtime.CompilerServices.MethodImpl(System.Runtime.CompilerServices.MethodImplOptions.NoInlining)]
    private static void Drop(Loop loop, Action called)
    {
        for (int i = 0; i < 100_000; i++)
        {
            loop.Timer(-1, 0, (_, _) => called());
        }
    }

    private static void Bring(Timer timer, string state, TestClock clock)
    {
        timer.Stop();

        if (state != "new")
        {
            timer.Restart();
        }

        switch (state)
        {
            case "due":
                clock.Pass(3);
                timer.Loop.Now(update: true);
                break;
            case "pending":
                timer.Feed(Events.Timer);
                break;
            case "stopped":
                clock.Run(0.5);
                timer.Stop();
                break;
            case "expired":
                clock.Run(3.1);
                break;
        }
    }
}
