using System;
using System.Collections.Generic;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>ManualClock: which watchers are due at which time. The times are exact to the last bit.</summary>
public sealed class ManualClockTests : LoopTestBase
{
    private const double Start = 946684800; // 2000-01-01

    private readonly ManualClock _clock = new();
    private readonly List<string> _log = [];

    // -- the clock itself ---------------------------------------------------------------------------------------------

    [Fact]
    public void A_clock_starts_at_2000_unless_another_time_is_given_and_stands_still()
    {
        Assert.Equal(Start, _clock.Now);
        Assert.Equal(new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero), _clock.UtcNow);
        var start = new DateTimeOffset(2026, 7, 28, 14, 0, 0, 250, TimeSpan.FromHours(2));
        var clock = new ManualClock(start);
        Assert.Equal(start, clock.UtcNow);
        Assert.Equal(TimeSpan.Zero, clock.UtcNow.Offset);
        Assert.Equal(start.ToUnixTimeMilliseconds() / 1000.0, clock.Now);
    }

    [Fact]
    public void Advance_and_SetUtcNow_move_the_clock()
    {
        _clock.Advance(90);
        _clock.Advance(TimeSpan.FromMilliseconds(500));
        _clock.Advance(0);
        Assert.Equal(Start + 90.5, _clock.Now);
        var other = new DateTimeOffset(1969, 12, 31, 23, 59, 0, TimeSpan.Zero);
        _clock.SetUtcNow(other);
        Assert.Equal((-60, other), (_clock.Now, _clock.UtcNow));
        _clock.Advance(1);
        Assert.Equal((-59, other.AddSeconds(1)), (_clock.Now, _clock.UtcNow));
    }

    [Fact]
    public void Many_small_steps_and_one_large_step_arrive_at_the_same_time()
    {
        for (int i = 1; i <= 100_000; i++)
        {
            _clock.Advance(0.1);
            Assert.Equal(Start + i / 10.0, _clock.Now);
        }

        Assert.Equal(TimeSpan.FromSeconds(10_000), _clock.UtcNow - new DateTimeOffset(2000, 1, 1, 0, 0, 0, TimeSpan.Zero));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(-1e-300)]
    [InlineData(double.NaN)]
    [InlineData(double.PositiveInfinity)]
    [InlineData(double.NegativeInfinity)]
    [InlineData(1e12)]
    [InlineData(double.MaxValue)]
    public void Bad_times_are_refused(double seconds)
    {
        Loop loop = NewLoop(_clock);
        Assert.Equal("seconds", Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(seconds)).ParamName);
        Assert.Equal("seconds", Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(loop, seconds)).ParamName);
        Assert.Equal(Start, _clock.Now);
    }

    [Fact]
    public void The_last_time_of_DateTimeOffset_can_be_reached()
    {
        _clock.Advance(DateTimeOffset.MaxValue - _clock.UtcNow);
        Assert.Equal(9999, _clock.UtcNow.Year);
        Assert.Throws<ArgumentOutOfRangeException>(() => _clock.Advance(1));
        _clock.SetUtcNow(DateTimeOffset.MinValue);
        Assert.Equal(1, _clock.UtcNow.Year);
        _clock.SetUtcNow(DateTimeOffset.MaxValue);
        Assert.Equal(DateTimeOffset.MaxValue, _clock.UtcNow);
    }

    [Fact]
    public void Advance_refuses_a_loop_of_another_clock()
    {
        Loop loop = NewLoop(new ManualClock()), real = NewLoop();
        Assert.Equal("loop", Assert.Throws<ArgumentException>(() => _clock.Advance(loop, 1)).ParamName);
        Assert.Equal("loop", Assert.Throws<ArgumentException>(() => _clock.Advance(real, 1)).ParamName);
        Assert.Throws<ArgumentNullException>(() => _clock.Advance(null!, 1));
        Assert.Equal(Start, _clock.Now);
    }

    // -- exact times --------------------------------------------------------------------------------------------------

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void A_day_of_a_one_minute_timer_is_1440_exact_calls(Backends backend)
    {
        Loop loop = NewLoop(_clock, backend);
        var seen = new List<double>();
        loop.Timer(60, 60, (_, _) => seen.Add(loop.Now())).Start();
        _clock.Advance(loop, TimeSpan.FromDays(1));
        Assert.Equal(Enumerable.Range(1, 1440).Select(i => Start + 60 * i), seen);
        Assert.Equal(Start + 86400, loop.Now());
        Assert.Equal(Start + 86400, _clock.Now);
    }

    [Theory]
    [InlineData(0.1, 10, 36_000)]
    [InlineData(0.001, 1000, 100_000)]
    [InlineData(0.0000001, 10_000_000, 10_000)]
    [InlineData(1.0 / 3, 3, 10_800)]
    [InlineData(1.0 / 60, 60, 36_000)]
    [InlineData(1.0 / 7, 7, 25_200)]
    [InlineData(1.1, 10 / 11.0, 10_000)]
    public void A_timer_that_repeats_does_not_drift(double repeat, double perSecond, int calls)
    {
        Loop loop = NewLoop(_clock);
        int count = 0, off = 0;
        loop.Timer(repeat, repeat, (_, _) => off += loop.Now() == Start + ++count / perSecond ? 0 : 1).Start();
        _clock.Advance(loop, calls / perSecond);
        Assert.Equal((calls, 0), (count, off));
    }

    [Fact]
    public void A_repeating_timer_does_not_drift_in_a_week()
    {
        Loop loop = NewLoop(_clock);
        int count = 0, off = 0;
        loop.Timer(0.9, 0.9, (_, _) => off += loop.Now() == Start + ++count * 9 / 10.0 ? 0 : 1).Start();
        _clock.Advance(loop, TimeSpan.FromDays(7));
        Assert.Equal((672_000, 0), (count, off));
    }

    [Fact]
    public void A_timer_is_due_at_its_time_and_not_a_moment_before()
    {
        Loop loop = NewLoop(_clock);
        int calls = 0;
        loop.Timer(0.3, 0, (_, _) => calls++).Start();
        _clock.Advance(loop, 0.1);
        _clock.Advance(loop, 0.1);
        _clock.Advance(loop, 0.0999999);
        Assert.Equal(0, calls);
        _clock.Advance(loop, 0.0000001);
        Assert.Equal(1, calls);

        loop.Timer(5, 0, (_, _) => calls++).Start();
        _clock.Advance(Math.BitDecrement(5.0) - 1e-9);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(1, calls);
        _clock.Advance(1e-9);
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Equal(2, calls);
    }

    [Theory]
    [InlineData("2000-01-01T00:00:00Z")]
    [InlineData("2026-07-28T12:34:56.7890123Z")]
    [InlineData("1970-01-01T00:00:00Z")]
    [InlineData("1900-02-28T23:59:59.9999999Z")]
    [InlineData("9000-01-01T00:00:00.1Z")]
    public void Every_callback_sees_its_own_due_time(string start)
    {
        var clock = new ManualClock(DateTimeOffset.Parse(start, null));
        Loop loop = NewLoop(clock);
        var random = new Random(7);
        double begin = clock.Now;
        int calls = 0;
        var off = new List<double>();

        for (int i = 0; i < 300; i++)
        {
            double after = random.NextDouble() * 100, at = begin + random.NextDouble() * 100;
            loop.Timer(after, 0, (_, _) => Seen(begin + after)).Start();
            loop.Periodic(at, 0, (_, _) => Seen(at)).Start();
            Periodic periodic = loop.Periodic(random.NextDouble(), 1 + random.NextDouble(), (w, _) => Seen((double)w.Data!, w));
            periodic.Start();
            periodic.Data = periodic.At;
        }

        void Seen(double due, Periodic? periodic = null)
        {
            calls++;

            if (loop.Now() != due)
            {
                off.Add(loop.Now() - due);
            }

            if (periodic is not null)
            {
                periodic.Data = periodic.At;
            }
        }

        clock.Advance(loop, 100);
        Assert.InRange(calls, 600 + 300 * 49, 600 + 300 * 101);
        Assert.Empty(off);
    }

    [Fact]
    public void Timers_periodics_and_schedulers_are_called_in_the_order_of_their_times_also_if_a_callback_starts_them()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(2, 2, (_, _) => Log(loop, "timer")).Start();
        loop.Periodic(0, 3, (_, _) => Log(loop, "periodic")).Start();
        loop.Scheduler((_, now) => now + 2.5, (_, _) => Log(loop, "scheduler")).Start();
        loop.Timer(0.5, 0, (w, _) =>
        {
            Log(loop, "first");
            loop.Timer(1, 0, (w, _) =>
            {
                Log(loop, "second");
                loop.Timer(0, 0, (_, _) => Log(loop, "at once")).Start();
            }).Start();
        }).Start();
        _clock.Advance(loop, 7.5);
        Assert.Equal(
            ["0.5 first", "1.5 second", "1.5 at once", "2 timer", "2.5 scheduler", "3 periodic", "4 timer", "5 scheduler", "6 periodic", "6 timer", "7.5 scheduler"],
            _log);
    }

    [Fact]
    public void A_timer_and_a_periodic_that_are_due_at_the_same_time_are_called_in_one_iteration()
    {
        Loop loop = NewLoop(_clock);
        uint timer = 0, periodic = 0, later = 0, last = 0;
        loop.Timer(0.1, 0, (_, _) => timer = loop.Iteration).Start();
        loop.Timer(0.2, 0, (_, _) => last = loop.Iteration).Start();
        loop.Periodic(Start + 0.1, 0, (_, _) =>
        {
            periodic = loop.Iteration;
            loop.Timer(0.1, 0, (_, _) => later = loop.Iteration).Start();
        }).Start();
        _clock.Advance(loop, 1);
        Assert.NotEqual(0u, timer);
        Assert.Equal((timer, last), (periodic, later));
    }

    [Fact]
    public void A_timer_that_is_due_at_the_end_of_Advance_is_called_and_a_later_one_is_not()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(10, 0, (_, _) =>
        {
            Log(loop, "end");
            loop.Timer(0, 0, (_, _) => Log(loop, "also")).Start();
            loop.Timer(1e-7, 0, (_, _) => Log(loop, "later")).Start();
        }).Start();
        _clock.Advance(loop, 10);
        Assert.Equal(["10 end", "10 also"], _log);
        _clock.Advance(loop, 0);
        Assert.Equal(2, _log.Count);
        _clock.Advance(loop, 1e-7);
        Assert.Equal(3, _log.Count);
    }

    [Fact]
    public void Watchers_that_are_due_at_the_same_time_are_called_in_the_order_of_libev()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 0, (_, _) => Log(loop, "low"), priority: -2).Start();
        loop.Timer(1, 0, (_, _) => Log(loop, "timer")).Start();
        loop.Periodic(Start + 1, 0, (_, _) => Log(loop, "periodic")).Start();
        loop.Timer(1, 0, (_, _) => Log(loop, "high"), priority: 2).Start();
        loop.Check((_, _) => Log(loop, "check"), priority: 1).Start();
        _clock.Advance(1);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(["1 high", "1 check", "1 periodic", "1 timer", "1 low"], _log);
    }

    // -- one leap -----------------------------------------------------------------------------------------------------

    [Fact]
    public void Advance_alone_calls_no_watcher_and_late_watchers_are_called_when_the_loop_runs()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 0, (_, _) => Log(loop, "once")).Start();
        loop.Timer(2, 2, (_, _) => Log(loop, "repeat")).Start();
        _clock.Advance(7);
        Assert.Empty(_log);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(["7 once", "7 repeat"], _log.Order());

        // As on a real clock, the repeating timer is called late, then once more at once, and then at its regular times.
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(3, _log.Count);
        _clock.Advance(loop, 4);
        Assert.Equal(["7 repeat", "9 repeat", "11 repeat"], _log.Skip(2));
    }

    [Theory]
    [MemberData(nameof(AllBackends))]
    public void Start_does_not_wait_for_time(Backends backend)
    {
        Loop loop = NewLoop(_clock, backend);
        loop.Timer(3600, 0, (_, _) => Log(loop, "timer")).Start();
        loop.Periodic(0, 86400, (_, _) => Log(loop, "periodic")).Start();
        loop.Prepare((_, _) => { }).Start();
        loop.Check((_, _) => { }).Start();
        loop.Fork((_, _) => { }).Start();
        Assert.True(loop.Start());
        Assert.True(loop.Start(RunFlags.Once));
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Empty(_log);
        _clock.Advance(3600);
        Assert.True(loop.Start());
        Assert.Equal(["3600 timer"], _log);
        _clock.Advance(82800);
        Assert.True(loop.Start());
        Assert.Equal("86400 periodic", _log[1]);
    }

    [Fact]
    public void Start_returns_when_no_watcher_is_active()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(0, 0, (_, _) => loop.Timer(0, 0, (_, _) => Log(loop, "second")).Start()).Start();
        Assert.False(loop.Start());
        Assert.Equal(["0 second"], _log);
        Timer background = loop.Timer(1, 1, (_, _) => Log(loop, "background"));
        background.KeepAlive = false;
        background.Start();
        Assert.False(loop.Start());
        _clock.Advance(loop, 2);
        Assert.Equal(3, _log.Count);
        Assert.False(loop.Start());
    }

    [Fact]
    public void A_nested_Start_does_not_wait_for_time_and_the_outer_Start_continues()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(5, 0, (_, _) => Log(loop, "later")).Start();
        loop.Timer(0, 0, (_, _) =>
        {
            Assert.True(loop.Start());
            loop.Timer(0, 0, (_, _) => Log(loop, "after")).Start();
        }).Start();
        Assert.True(loop.Start());
        Assert.Equal(["0 after"], _log);
    }

    // -- Now ----------------------------------------------------------------------------------------------------------

    [Fact]
    public void Outside_Start_the_time_of_a_loop_is_that_of_the_clock_and_timers_count_from_it()
    {
        Loop loop = NewLoop(_clock);
        Assert.Equal(Start, loop.Now());
        _clock.Advance(5);
        Timer timer = loop.Timer(1, 0, (_, _) => Log(loop, "timer"));
        timer.Start();
        Assert.Equal(Start + 5, loop.Now());
        Assert.Equal(1, timer.Remaining);
        _clock.Advance(0.25);
        Assert.Equal(0.75, timer.Remaining);
        _clock.Advance(loop, 0.75);
        Assert.Equal(["6 timer"], _log);
    }

    [Fact]
    public void In_a_callback_Now_stands_still_until_it_is_updated()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(1, 0, (_, _) =>
        {
            _clock.Advance(10);
            Log(loop, "before");
            loop.Now(update: true);
            Log(loop, "after");
            loop.Timer(1, 0, (_, _) => Log(loop, "next")).Start();
        }).Start();
        loop.Timer(5, 0, (_, _) => Log(loop, "late")).Start();
        _clock.Advance(loop, 20);
        Assert.Equal(["1 before", "11 after", "11 late", "12 next"], _log);
        Assert.Equal(Start + 20, _clock.Now);
    }

    [Fact]
    public void A_suspended_loop_s_timers_do_not_count_the_time()
    {
        Loop loop = NewLoop(_clock);
        loop.Timer(10, 0, (_, _) => Log(loop, "timer")).Start();
        loop.Periodic(Start + 11, 0, (_, _) => Log(loop, "periodic")).Start();
        _clock.Advance(3);
        loop.Suspend();
        _clock.Advance(100.1);
        loop.Resume();
        Assert.Equal(Start + 103.1, loop.Now());
        _clock.Advance(loop, 7);
        Assert.Equal(["103.1 periodic", "110.1 timer"], _log);
    }

    [Fact]
    public void Reset_of_a_timer_counts_from_the_time_of_the_callback()
    {
        Loop loop = NewLoop(_clock);
        Timer idle = loop.Timer(10, 10, (_, _) => Log(loop, "idle"));
        idle.Start();
        loop.Timer(4, 4, (w, _) =>
        {
            idle.Reset();

            if (loop.Now() == Start + 12)
            {
                w.Stop();
            }
        }).Start();
        _clock.Advance(loop, 40);
        Assert.Equal(["22 idle", "32 idle"], _log);
    }

    [Fact]
    public void IoInterval_does_not_sleep()
    {
        Loop loop = NewLoop(_clock);
        loop.IoInterval = 3600;
        loop.TimeoutInterval = 3600;
        Assert.Equal(3600, loop.IoInterval);
        (int read, int write) = Posix.Pipe();
        Posix.Write(write);
        loop.Timer(1, 0, (_, _) => Log(loop, "timer")).Start();
        loop.Io(read, Events.Read, (w, _) => w.Stop()).Start();
        Assert.True(loop.Start(RunFlags.Once));
        _clock.Advance(loop, 2);
        Assert.Equal(["1 timer"], _log);
        Posix.Close(read, write);
    }

    private void Log(Loop loop, string what) =>
        _log.Add(FormattableString.Invariant($"{Math.Round(loop.Now() - Start, 6)} {what}"));
}
