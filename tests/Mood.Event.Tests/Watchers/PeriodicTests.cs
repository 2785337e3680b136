using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Periodic: one call at a time of the wall clock, or calls at the multiples of an interval.</summary>
public sealed class PeriodicTests : LoopTestBase
{
    private const double MinInterval = 1.0 / 8192;

    private static readonly Action<Periodic, Events> s_nothing = (_, _) => { };

    public static TheoryData<double> BadIntervals => new(
        -1, 1e-7, MinInterval * 0.999, double.Epsilon, double.NaN, double.PositiveInfinity, double.NegativeInfinity);

    public static TheoryData<double> NotFinite => new(double.NaN, double.PositiveInfinity, double.NegativeInfinity);

    [Fact]
    public void A_periodic_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Periodic(loop, 0, 3600, s_nothing), loop);
    }

    [Fact]
    public void Constructors_and_factories_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();
        Periodic[] periodics =
        [
            new Periodic(loop, 30, 60, s_nothing, data, -1),
            new Periodic(loop, TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), s_nothing, data, -1),
            loop.Periodic(30, 60, s_nothing, data, -1),
            loop.Periodic(TimeSpan.FromSeconds(30), TimeSpan.FromMinutes(1), s_nothing, data, -1),
        ];

        foreach (Periodic periodic in periodics)
        {
            WatcherContract.Has(periodic, data, -1);
            Assert.Same(loop, periodic.Loop);
            Assert.Same(s_nothing, periodic.Callback);
            Assert.Equal((30, 60), (periodic.Offset, periodic.Interval));
            periodic.Start();
            Assert.Equal(30, periodic.At % 60);
            periodic.Dispose();
        }
    }

    [Fact]
    public void A_point_in_time_is_the_offset_of_a_single_call()
    {
        Loop loop = NewLoop();
        object data = new();
        var at = new DateTimeOffset(2100, 1, 1, 2, 0, 0, 500, TimeSpan.FromHours(2));

        foreach (Periodic periodic in new[] { new Periodic(loop, at, s_nothing, data, 1), loop.Periodic(at, s_nothing, data, 1) })
        {
            WatcherContract.Has(periodic, data, 1);
            Assert.Equal((4102444800.5, 0), (periodic.Offset, periodic.Interval));
            periodic.Start();
            Assert.Equal(4102444800.5, periodic.At);
            periodic.Dispose();
        }
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Periodic(null!, 0, 1, s_nothing));
        Assert.Throws<ArgumentNullException>("loop", () => new Periodic(null!, TimeSpan.Zero, TimeSpan.Zero, s_nothing));
        Assert.Throws<ArgumentNullException>("loop", () => new Periodic(null!, DateTimeOffset.UtcNow, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Periodic(loop, 0, 1, null!));
        Assert.Throws<ArgumentNullException>("callback", () => loop.Periodic(DateTimeOffset.UtcNow, null!));
    }

    [Theory, MemberData(nameof(BadIntervals))]
    public void Interval_must_be_zero_or_long_enough(double bad)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("interval", () => loop.Periodic(0, bad, s_nothing));

        Periodic periodic = loop.Periodic(30, 60, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("interval", () => periodic.Set(0, bad));
        Assert.Throws<ArgumentOutOfRangeException>(() => periodic.Interval = bad);
        Assert.Equal((30, 60), (periodic.Offset, periodic.Interval));

        periodic.Start();
        Assert.Throws<ArgumentOutOfRangeException>(() => periodic.Interval = bad);
        periodic.Reset(); // uses the interval that libev has
        Assert.Equal(30, periodic.At % 60);
        loop.Verify();
    }

    [Theory, MemberData(nameof(NotFinite))]
    public void Offset_must_be_finite(double bad)
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("offset", () => loop.Periodic(bad, 1, s_nothing));
        Assert.Throws<ArgumentOutOfRangeException>("offset", () => loop.Periodic(bad, 0, s_nothing));

        Periodic periodic = loop.Periodic(30, 60, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>("offset", () => periodic.Set(bad, 1));
        Assert.Equal((30, 60), (periodic.Offset, periodic.Interval));
        periodic.Dispose();
    }

    [Fact]
    public void An_offset_beyond_1e12_is_refused_with_an_interval_only()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentOutOfRangeException>("offset", () => loop.Periodic(1.1e12, 1, s_nothing));
        Assert.Throws<ArgumentOutOfRangeException>("offset", () => loop.Periodic(-1.1e12, 1, s_nothing));

        Periodic periodic = loop.Periodic(1e15, 0, s_nothing);
        Assert.Throws<ArgumentOutOfRangeException>(() => periodic.Interval = 1);
        Assert.Equal((1e15, 0), (periodic.Offset, periodic.Interval));
        periodic.Start();
        Assert.Equal(1e15, periodic.At);
        periodic.Dispose();
    }

    [Theory]
    [InlineData(1e12)]
    [InlineData(-1e12)]
    public void The_farthest_offset_works_with_the_shortest_interval(double offset)
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(offset, MinInterval, s_nothing);
        periodic.Start();
        Assert.InRange(periodic.At, loop.Now(), loop.Now() + (2 * MinInterval));
        periodic.Dispose();
    }

    [Fact]
    public void A_disposed_loop_refuses_a_periodic()
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(1, 2, s_nothing);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Periodic(0, 1, s_nothing));
        Assert.Throws<ObjectDisposedException>(periodic.Start);
        Assert.Throws<ObjectDisposedException>(periodic.Reset);
        Assert.Throws<ObjectDisposedException>(() => periodic.Interval = 3);
        Assert.Equal((1, 2), (periodic.Offset, periodic.Interval));
        periodic.Dispose();
    }

    [Fact]
    public void A_disposed_periodic_keeps_its_getters_only()
    {
        Periodic periodic = NewLoop().Periodic(30, 60, s_nothing);
        WatcherContract.Dispose(periodic);
        Assert.Throws<ObjectDisposedException>(() => periodic.Set(1, 1));
        Assert.Throws<ObjectDisposedException>(() => periodic.Set(TimeSpan.Zero, TimeSpan.Zero));
        Assert.Throws<ObjectDisposedException>(() => periodic.Set(DateTimeOffset.UtcNow));
        Assert.Throws<ObjectDisposedException>(periodic.Reset);
        Assert.Throws<ObjectDisposedException>(() => periodic.Interval = 1);
        Assert.Equal((30, 60, 30), (periodic.Offset, periodic.Interval, periodic.At % 60));
    }

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Periodic periodic = NewLoop().Periodic(0, 3600, (_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(periodic, () => seen);
    }

    [Fact]
    public void Set_takes_seconds_time_spans_and_points_in_time()
    {
        using Periodic periodic = NewLoop().Periodic(0, 1, s_nothing);
        periodic.Set(30, 60);
        Assert.Equal((30, 60), (periodic.Offset, periodic.Interval));
        periodic.Set(TimeSpan.FromMinutes(1), TimeSpan.FromHours(1));
        Assert.Equal((60, 3600), (periodic.Offset, periodic.Interval));
        periodic.Start();
        Assert.Equal(60, periodic.At % 3600);
        periodic.Stop();
        periodic.Set(DateTimeOffset.UnixEpoch.AddSeconds(1e10));
        Assert.Equal((1e10, 0), (periodic.Offset, periodic.Interval));
        periodic.Start();
        Assert.Equal(1e10, periodic.At);
    }

    [Fact]
    public void Set_is_refused_while_active_or_pending_and_changes_nothing()
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(30, 60, s_nothing);
        periodic.Start();
        double at = periodic.At;

        void Refused()
        {
            Assert.Throws<InvalidOperationException>(() => periodic.Set(1, 2));
            Assert.Throws<InvalidOperationException>(() => periodic.Set(TimeSpan.Zero, TimeSpan.FromSeconds(1)));
            Assert.Throws<InvalidOperationException>(() => periodic.Set(DateTimeOffset.UtcNow));
            Assert.Equal((30, 60), (periodic.Offset, periodic.Interval));
            Assert.Equal(at, periodic.At);
        }

        Refused();
        periodic.Stop();
        periodic.Feed(Events.Custom);
        Refused();
        periodic.Clear();
        periodic.Set(1, 2);
        Assert.Equal((1, 2), (periodic.Offset, periodic.Interval));
        periodic.Dispose();
    }

    [Theory]
    [InlineData(0, 3600, 0)]
    [InlineData(30, 60, 30)]
    [InlineData(90, 60, 30)]
    [InlineData(-15, 60, 45)]
    [InlineData(4102444800, 60, 0)]
    public void At_is_the_next_multiple_of_the_interval_plus_the_offset(double offset, double interval, double rest)
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(offset, interval, s_nothing);
        Assert.Equal(0, periodic.At);
        periodic.Start();
        Assert.Equal(rest, periodic.At % interval);
        Assert.InRange(periodic.At, loop.Now(), loop.Now() + interval);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_is_called_at_every_multiple(Backends backend)
    {
        const double interval = 0.005;
        Loop loop = NewLoop(backend);
        var due = new List<double>();
        Events seen = Events.None;
        double early = 0, at = 0;

        Periodic periodic = loop.Periodic(0, interval, (w, e) =>
        {
            due.Add(at);
            early = Math.Max(early, at - loop.Now());
            at = w.At;
            seen |= e;

            if (due.Count == 10)
            {
                w.Stop();
            }
        });

        periodic.Start();
        at = periodic.At;
        double first = at;
        Assert.False(loop.Start());
        Assert.Equal(10, due.Count);
        Assert.Equal(Events.Periodic, seen);
        Assert.Equal(0, early);
        Assert.InRange(due[9] - first, 9 * interval * 0.999, Patience);

        for (int i = 1; i < due.Count; i++)
        {
            double steps = (due[i] - due[i - 1]) / interval;
            Assert.InRange(steps, 0.999, double.MaxValue);
            Assert.InRange(Math.Abs(steps - Math.Round(steps)), 0, 0.001);
        }

        periodic.Dispose();
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_for_one_time_is_called_once_and_not_early(Backends backend)
    {
        Loop loop = NewLoop(backend);
        double at = Ev.Time() + 0.03, now = 0;
        int calls = 0;
        Periodic periodic = loop.Periodic(at, 0, (_, _) =>
        {
            calls++;
            now = loop.Now();
        });
        periodic.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.InRange(now, at, at + Patience);
        Assert.False(periodic.IsActive);
        periodic.Dispose();
    }

    [Fact]
    public void A_time_in_the_past_is_due_at_once_and_a_distant_one_is_not_due()
    {
        Loop loop = NewLoop();
        string log = "";
        loop.Periodic(DateTimeOffset.MinValue, (_, _) => log += "1").Start();
        loop.Periodic(0, 0, (_, _) => log += "2").Start();
        loop.Periodic(DateTimeOffset.MaxValue, (_, _) => log += "x").Start();
        loop.Periodic(1e300, 0, (_, _) => log += "x").Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal("12", log);
    }

    [Fact]
    public void A_periodic_for_one_time_is_not_due_before_the_wall_clock_shows_it()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        loop.Periodic(clock.Wall + 3, 0, (_, _) => calls++).Start();
        Assert.True(clock.Run(2.9));
        Assert.Equal(0, calls);
        Assert.False(clock.Run(0.2));
        Assert.Equal(1, calls);
    }

    [Fact]
    public void Periodics_of_one_iteration_run_in_the_order_of_their_times()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        string log = "";

        foreach (int i in new[] { 3, 1, 2 })
        {
            loop.Periodic(clock.Wall + i, 0, (w, _) => log += w.Data, data: i).Start();
        }

        loop.Periodic(clock.Wall + 4, 0, (_, _) => log += "p", priority: 1).Start();
        Assert.False(clock.Run(5));
        Assert.Equal("p123", log);
    }

    [Fact]
    public void A_repeating_periodic_that_missed_several_times_is_called_once()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 1, (_, _) => calls++);
        periodic.Start();
        clock.Run(5);
        Assert.Equal(1, calls);
        Assert.InRange(periodic.At, clock.Wall - 0.001, clock.Wall + 1.001);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_step_of_the_wall_clock_moves_a_repeating_periodic(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 3600, (_, _) => calls++);
        periodic.Start();

        clock.Step(2 * 3600);
        clock.Run(1);
        Assert.InRange(periodic.At, clock.Wall, clock.Wall + 3600);
        Assert.Equal(0, periodic.At % 3600);

        clock.Step(-9 * 3600);
        clock.Run(1);
        Assert.InRange(periodic.At, clock.Wall, clock.Wall + 3600);
        Assert.Equal(0, periodic.At % 3600);
        Assert.Equal(0, calls); // an hour that a step skips or repeats causes no call

        clock.Step(periodic.At - clock.Wall - 1.6); // to just before the next hour, which comes in the second Run
        clock.Run(1);
        Assert.Equal(0, calls);
        clock.Run(1);
        Assert.Equal(1, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_step_of_the_wall_clock_over_a_point_in_time_makes_it_due(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        int calls = 0;
        double at = clock.Wall + 3600;
        Periodic periodic = loop.Periodic(at, 0, (_, _) => calls++);
        periodic.Start();
        Assert.True(clock.Run(1));
        clock.Step(-3600);
        Assert.True(clock.Run(1));
        Assert.Equal((0, at), (calls, periodic.At));
        clock.Step(7200);
        Assert.False(clock.Run(1));
        Assert.Equal(1, calls);
        periodic.Dispose();
    }

    // The timerfd reports a step of the wall clock, and libev then computes all times again. The step may be too small to skip a call.
    [Theory, MemberData(nameof(AllBackends))]
    public void A_periodic_that_is_due_when_the_loop_notices_a_step_of_the_wall_clock_is_called(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var clock = new TestClock(loop);
        string[] before = Timerfds();
        int calls = 0;
        loop.Periodic(clock.Wall + 0.5, 3600, (_, _) => calls++).Start();
        int timerfd = int.Parse(Path.GetFileName(Assert.Single(Timerfds().Except(before))), CultureInfo.InvariantCulture);
        loop.Start(RunFlags.NoWait);
        loop.Check((w, _) =>
        {
            clock.Pass(1);
            loop.FeedFdEvent(timerfd, Events.Read);
            w.Stop();
        }).Start();
        loop.Start(RunFlags.NoWait);
        Assert.Equal(1, calls);

        static string[] Timerfds() =>
            [.. Directory.GetFiles("/proc/self/fd").Where(f => new FileInfo(f).LinkTarget == "anon_inode:[timerfd]")];
    }

    [Fact]
    public void Interval_set_while_active_counts_from_the_next_call_or_reset()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 2, (_, _) => calls++);
        periodic.Start();
        double at = periodic.At;
        periodic.Interval = 3600;
        Assert.Equal(3600, periodic.Interval);
        Assert.Equal(at, periodic.At);
        clock.Run(2.1);
        Assert.Equal(1, calls);
        Assert.Equal(0, periodic.At % 3600);
        periodic.Interval = 86400;
        periodic.Reset();
        Assert.True(periodic.IsActive);
        Assert.Equal(0, periodic.At % 86400);
        Assert.InRange(periodic.At, clock.Wall, clock.Wall + 86400);
    }

    [Fact]
    public void Interval_set_to_zero_makes_the_next_call_the_last()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 1, (_, _) => calls++);
        periodic.Start();
        periodic.Interval = 0;
        Assert.False(clock.Run(1.1));
        Assert.Equal(1, calls);
        Assert.False(periodic.IsActive);
        periodic.Dispose();
    }

    [Fact]
    public void Reset_starts_an_inactive_periodic()
    {
        Loop loop = NewLoop();
        Periodic periodic = loop.Periodic(0, 3600, s_nothing);
        periodic.Reset();
        Assert.True(periodic.IsActive);
        Assert.InRange(periodic.At, loop.Now(), loop.Now() + 3600);
        Assert.True(loop.Start(RunFlags.NoWait));
        periodic.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        periodic.Dispose();
    }

    [Fact]
    public void Reset_discards_a_pending_event()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 3600, (_, _) => calls++);
        periodic.Feed(Events.Periodic);
        periodic.Reset();
        Assert.False(periodic.IsPending);
        loop.Invoke();
        Assert.Equal(0, calls);
    }

    [Fact]
    public void A_periodic_without_KeepAlive_does_not_change_the_reference_count()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Periodic once = loop.Periodic(clock.Wall + 1, 0, (_, _) => calls++);
        once.KeepAlive = false;
        once.Start();
        Assert.False(clock.Run(0.1));
        once.Reset();
        Assert.False(clock.Run(0.1));

        Timer kept = loop.Timer(2, 0, (_, _) => { });
        kept.Start();
        Assert.True(clock.Run(1));
        Assert.Equal(1, calls);
        Assert.False(once.IsActive);
        Assert.True(clock.Run(0.1));
        Assert.False(clock.Run(2));
        once.Dispose();
        kept.Dispose();
    }

    [Fact]
    public void A_callback_may_stop_restart_or_dispose_its_periodic()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Periodic periodic = loop.Periodic(0, 0, (w, _) =>
        {
            switch (++calls)
            {
                case 1:
                    w.Set(loop.Now() + 0.001, 0);
                    w.Start();
                    break;
                case 2:
                    w.Set(0, 0.002);
                    w.Start();
                    break;
                default:
                    w.Dispose();
                    break;
            }
        });
        periodic.Start();
        Assert.False(loop.Start());
        Assert.Equal(3, calls);
        Assert.Throws<ObjectDisposedException>(periodic.Start);
    }
}
