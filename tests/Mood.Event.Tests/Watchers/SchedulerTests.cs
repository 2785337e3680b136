using System;
using System.Collections.Generic;
using System.Diagnostics;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>Scheduler: the reschedule function, its failures, and the calls that it may not make.</summary>
public sealed class SchedulerTests : LoopTestBase
{
    private static readonly Action<Scheduler, Events> s_nothing = (_, _) => { };

    public static TheoryData<string> Failures => new("throws", "NaN", "past", "minus infinity");

    [Fact]
    public void A_scheduler_starts_and_stops()
    {
        Loop loop = NewLoop();
        WatcherContract.StartsAndStops(new Scheduler(loop, InAnHour, s_nothing), loop);
    }

    [Fact]
    public void Constructor_and_factory_take_the_same_parameters()
    {
        Loop loop = NewLoop();
        object data = new();
        Func<Scheduler, double, double> reschedule = InAnHour;

        foreach (Scheduler scheduler in new[]
        {
            new Scheduler(loop, reschedule, s_nothing, data, 1), loop.Scheduler(reschedule, s_nothing, data, 1),
        })
        {
            WatcherContract.Has(scheduler, data, 1);
            Assert.Same(loop, scheduler.Loop);
            Assert.Same(s_nothing, scheduler.Callback);
            Assert.Same(reschedule, scheduler.Reschedule);
            Assert.Equal(0, scheduler.At);
            scheduler.Dispose();
        }
    }

    [Fact]
    public void Null_is_refused()
    {
        Loop loop = NewLoop();
        Assert.Throws<ArgumentNullException>("loop", () => new Scheduler(null!, InAnHour, s_nothing));
        Assert.Throws<ArgumentNullException>("reschedule", () => new Scheduler(loop, null!, s_nothing));
        Assert.Throws<ArgumentNullException>("callback", () => new Scheduler(loop, InAnHour, null!));

        Func<Scheduler, double, double> reschedule = InAnHour;
        Scheduler scheduler = loop.Scheduler(reschedule, s_nothing);
        Assert.Throws<ArgumentNullException>(() => scheduler.Reschedule = null!);
        Assert.Throws<ArgumentNullException>(() => scheduler.Callback = null);
        Assert.Same(reschedule, scheduler.Reschedule);
        Assert.Same(s_nothing, scheduler.Callback);
        scheduler.Dispose();
    }

    [Fact]
    public void A_disposed_scheduler_keeps_its_getters_only()
    {
        Scheduler scheduler = NewLoop().Scheduler(InAnHour, s_nothing);
        WatcherContract.Dispose(scheduler);
        Assert.Throws<ObjectDisposedException>(scheduler.Reset);
        Assert.InRange(scheduler.At, Ev.Time() + 3500, Ev.Time() + 3600);
        Assert.NotNull(scheduler.Reschedule);
    }

    [Fact]
    public void A_disposed_loop_refuses_a_scheduler()
    {
        Loop loop = NewLoop();
        int asked = 0;
        Scheduler scheduler = loop.Scheduler((_, now) => now + ++asked, s_nothing);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.Scheduler(InAnHour, s_nothing));
        Assert.Throws<ObjectDisposedException>(scheduler.Start);
        Assert.Throws<ObjectDisposedException>(scheduler.Reset);
        Assert.Equal(0, asked);
        scheduler.Dispose();
    }

    [Fact]
    public void Events_can_be_fed_and_invoked()
    {
        Events seen = Events.None;
        using Scheduler scheduler = NewLoop().Scheduler(InAnHour, (_, e) => seen = e);
        WatcherContract.FeedsAndInvokes(scheduler, () => seen);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void The_function_receives_the_scheduler_and_now_and_returns_the_next_time(Backends backend)
    {
        Loop loop = NewLoop(backend);
        var asked = new List<(Scheduler, double)>();
        var called = new List<(double Now, double At, Events Events)>();

        Scheduler scheduler = loop.Scheduler(
            (w, now) =>
            {
                asked.Add((w, now));
                return asked.Count == 5 ? double.PositiveInfinity : now + 0.004;
            },
            (w, e) =>
            {
                called.Add((loop.Now(), w.At, e));

                if (asked.Count == 5)
                {
                    w.Stop();
                }
            });

        scheduler.Start();
        Assert.Equal((scheduler, loop.Now()), Assert.Single(asked));
        Assert.Equal(loop.Now() + 0.004, scheduler.At);
        Assert.False(loop.Start());
        Assert.Equal((5, 4), (asked.Count, called.Count));

        for (int i = 0; i < called.Count; i++)
        {
            Assert.Equal(Events.Periodic, called[i].Events);
            Assert.InRange(called[i].Now, asked[i].Item2 + 0.004, double.MaxValue);
            Assert.Equal(called[i].Now, asked[i + 1].Item2);
            Assert.Equal(i == 3 ? double.PositiveInfinity : called[i].Now + 0.004, called[i].At);
        }

        scheduler.Dispose();
    }

    [Fact]
    public void A_function_that_tries_to_stop_its_scheduler_is_refused_after_ten_calls()
    {
        Loop loop = NewLoop();
        int asked = 0, calls = 0;
        var thrown = new List<Exception>();
        loop.CallbackException += (_, e) => thrown.Add(e.Exception);
        var watch = Stopwatch.StartNew();
        loop.Now(update: true);

        Scheduler scheduler = loop.Scheduler(
            (w, now) =>
            {
                if (++asked == 11)
                {
                    w.Stop();
                    return now;
                }

                return now + 0.005;
            },
            (_, _) => calls++);

        scheduler.Start();
        Assert.False(loop.Start());
        Assert.Equal((11, 10), (asked, calls));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0.0499, Patience);
        Assert.IsType<InvalidOperationException>(Assert.Single(thrown));
        Assert.False(scheduler.IsActive);
        loop.Verify();
        scheduler.Dispose();
    }

    [Fact]
    public void A_scheduler_that_returns_now_is_due_at_once_and_one_that_returns_infinity_never()
    {
        Loop loop = NewLoop();
        string log = "";
        Scheduler never = loop.Scheduler((_, _) => double.PositiveInfinity, (_, _) => log += "x");
        never.Start();
        Assert.Equal(double.PositiveInfinity, never.At);
        Assert.True(never.IsActive);
        loop.Scheduler((_, now) => log.Length == 0 ? now : double.MaxValue, (_, _) => log += "n").Start();

        for (int i = 0; i < 100 && log.Length == 0; i++)
        {
            Ev.Sleep(0.001); // makes the due time earlier than now
            loop.Start(RunFlags.NoWait);
        }

        Assert.StartsWith("n", log, StringComparison.Ordinal);
        Assert.DoesNotContain("x", log, StringComparison.Ordinal);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_scheduler_that_returns_infinity_does_not_keep_the_loop_alive_and_Reset_calls_its_function_again(Backends backend)
    {
        Loop loop = NewLoop(backend);
        int calls = 0;
        double next = double.PositiveInfinity;
        Scheduler scheduler = loop.Scheduler((_, now) => double.IsInfinity(next) ? next : now + next, (_, _) =>
        {
            calls++;
            next = double.PositiveInfinity;
        });

        scheduler.Start();
        Assert.Equal((true, double.PositiveInfinity), (scheduler.IsActive, scheduler.At));
        Assert.False(loop.Start());
        Assert.True(scheduler.IsActive);

        next = 3600;
        scheduler.Reset();
        Assert.InRange(scheduler.At, loop.Now() + 3599, loop.Now() + 3601);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(0, calls);

        // The function returns infinity after one more call.
        int asked = 0;
        scheduler.Reschedule = (_, now) => ++asked == 1 ? now + 0.01 : double.PositiveInfinity;
        scheduler.Reset();
        Assert.False(loop.Start());
        Assert.Equal((1, 2), (calls, asked));
        Assert.Equal((true, double.PositiveInfinity), (scheduler.IsActive, scheduler.At));

        AssertNoReferences(loop);
        scheduler.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        AssertNoReferences(loop);
        loop.Verify();
        scheduler.Dispose();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void After_a_step_of_the_wall_clock_the_function_may_return_infinity_and_after_another_a_time(bool keepAlive)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        bool isNever = false;
        Scheduler scheduler = loop.Scheduler((_, now) => isNever ? double.PositiveInfinity : now + 3600, s_nothing);
        scheduler.KeepAlive = keepAlive;
        scheduler.Start();
        Assert.Equal(keepAlive, loop.Start(RunFlags.NoWait));

        for (int i = 0; i < 3; i++)
        {
            isNever = true;
            clock.Step(7200);
            Assert.False(clock.Run(1));
            Assert.Equal(double.PositiveInfinity, scheduler.At);
            scheduler.KeepAlive = !keepAlive;
            Assert.False(loop.Start(RunFlags.NoWait));
            scheduler.KeepAlive = keepAlive;
            Assert.False(loop.Start(RunFlags.NoWait));

            isNever = false;
            clock.Step(-7200);
            Assert.Equal(keepAlive, clock.Run(1));
            Assert.InRange(scheduler.At, clock.Wall + 3590, clock.Wall + 3601);
        }

        scheduler.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        AssertNoReferences(loop);
        loop.Verify();
        scheduler.Dispose();
    }

    [Fact]
    public void On_a_manual_clock_a_scheduler_that_returns_infinity_does_not_keep_Start_running()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        int calls = 0;
        int asked = 0;
        Scheduler scheduler = loop.Scheduler((_, now) => ++asked == 1 ? now + 60 : double.PositiveInfinity, (_, _) => calls++);
        scheduler.Start();
        clock.Advance(loop, 60);
        Assert.Equal(1, calls);
        scheduler.Reset();
        Assert.Equal((true, double.PositiveInfinity), (scheduler.IsActive, scheduler.At));
        clock.Advance(loop, 1e6);
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        scheduler.Dispose();
    }

    [Fact]
    public void A_new_function_is_used_from_the_next_call_or_reset_on()
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        int calls = 0;
        Scheduler scheduler = loop.Scheduler((_, now) => now + 1, (_, _) => calls++);
        scheduler.Start();
        double at = scheduler.At;
        scheduler.Reschedule = (_, now) => now + 2;
        Assert.Equal(at, scheduler.At);
        clock.Run(1.1);
        Assert.Equal(1, calls);
        Assert.Equal(loop.Now() + 2, scheduler.At);
        scheduler.Reschedule = (_, now) => now + 3;
        scheduler.Reset();
        Assert.Equal(loop.Now() + 3, scheduler.At);
    }

    [Fact]
    public void Reset_calls_the_function_and_starts_an_inactive_scheduler()
    {
        Loop loop = NewLoop();
        int asked = 0, calls = 0;
        Scheduler scheduler = loop.Scheduler((_, _) => 1e11 + ++asked, (_, _) => calls++);
        scheduler.Feed(Events.Custom);
        scheduler.Reset();
        Assert.True(scheduler.IsActive);
        Assert.False(scheduler.IsPending);
        Assert.Equal(1e11 + 1, scheduler.At);
        scheduler.Reset();
        Assert.Equal(1e11 + 2, scheduler.At);
        Assert.Equal(2, asked);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Equal(0, calls);
    }

    [Theory, MemberData(nameof(AllBackends))]
    public void A_step_of_the_wall_clock_causes_another_call_of_the_function(Backends backend)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop(backend);
        var asked = new List<double>();
        int calls = 0;
        Scheduler scheduler = loop.Scheduler(
            (_, now) =>
            {
                asked.Add(now);
                return now + 5;
            },
            (_, _) => calls++);
        scheduler.Start();

        foreach (double step in new[] { 3600.0, -7200.0 })
        {
            asked.Clear();
            clock.Step(step);
            clock.Run(1);
            Assert.NotEmpty(asked);
            Assert.All(asked, now => Assert.InRange(now, clock.Wall - 0.001, clock.Wall + 0.001));
            Assert.InRange(scheduler.At, clock.Wall + 4.999, clock.Wall + 5.001);
        }

        clock.Run(4.9);
        Assert.Equal(0, calls);
        clock.Run(0.2);
        Assert.Equal(1, calls);
    }

    [Theory, MemberData(nameof(Failures))]
    public void A_function_that_fails_in_Start_stops_the_scheduler_and_is_reported(string how)
    {
        Loop loop = NewLoop();
        int calls = 0;
        var thrown = new List<CallbackExceptionEventArgs>();
        loop.CallbackException += (sender, e) =>
        {
            thrown.Add(e);
            calls += ReferenceEquals(sender, loop) ? 0 : 100;
        };
        Scheduler scheduler = loop.Scheduler((_, now) => Fail(how, now), (_, _) => calls++);

        scheduler.Start();
        Assert.False(scheduler.IsActive);
        Assert.False(scheduler.IsPending);
        CallbackExceptionEventArgs told = Assert.Single(thrown);
        Assert.Same(scheduler, told.Watcher);
        Assert.IsType(how == "throws" ? typeof(FormatException) : typeof(InvalidOperationException), told.Exception);

        scheduler.Reset();
        Assert.False(scheduler.IsActive);
        Assert.Equal(2, thrown.Count);
        Assert.False(loop.Start());
        Assert.Equal(0, calls);

        scheduler.Reschedule = InAnHour;
        scheduler.Start();
        Assert.True(scheduler.IsActive);
        Assert.Equal(2, thrown.Count);
        loop.Verify();
    }

    [Theory, MemberData(nameof(Failures))]
    public void A_scheduler_whose_function_fails_in_the_loop_gets_its_last_call_and_is_stopped(string how)
    {
        Loop loop = NewLoop();
        int asked = 0, others = 0;
        var log = new List<string>();
        loop.CallbackException += (_, e) => log.Add(e.Exception.GetType().Name);
        Scheduler scheduler = loop.Scheduler(
            (_, now) => ++asked == 1 ? now + 0.001 : Fail(how, now), (w, e) => log.Add($"{e} {w.IsActive}"));
        scheduler.Start();

        // Another scheduler is not affected.
        Scheduler other = loop.Scheduler((_, now) => now + 0.002, (w, _) =>
        {
            if (++others == 5)
            {
                w.Stop();
            }
        });
        other.Start();

        Assert.False(loop.Start());
        Assert.Equal(["Periodic False", how == "throws" ? "FormatException" : "InvalidOperationException"], log);
        Assert.Equal((2, 5), (asked, others));
        Assert.False(scheduler.IsActive);
        scheduler.Dispose();
        other.Dispose();
    }

    [Theory, MemberData(nameof(Failures))]
    public void A_scheduler_whose_function_fails_after_a_clock_step_is_stopped_without_a_call(string how)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        bool fails = false;
        int calls = 0;
        var thrown = new List<Exception>();
        loop.CallbackException += (_, e) => thrown.Add(e.Exception);
        Scheduler scheduler = loop.Scheduler((_, now) => fails ? Fail(how, now) : now + 60, (_, _) => calls++);
        scheduler.Start();

        fails = true;
        clock.Step(3600);
        clock.Pass(1);
        loop.Now(update: true); // calls the function, in which no watcher can be stopped
        Assert.False(loop.Start(RunFlags.NoWait));
        Assert.Single(thrown);
        Assert.False(scheduler.IsActive);
        Assert.Equal(0, calls);
        scheduler.Dispose();
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("reset")]
    public void Stop_and_Reset_discard_a_failure_that_is_not_reported_yet(string how)
    {
        (Loop loop, TestClock clock) = NewTestClockLoop();
        bool fails = false;
        var thrown = new List<Exception>();
        loop.CallbackException += (_, e) => thrown.Add(e.Exception);
        Scheduler scheduler = loop.Scheduler((_, now) => fails ? throw new FormatException() : now + 60, s_nothing);
        scheduler.Start();

        fails = true;
        clock.Step(3600);
        clock.Pass(1);
        loop.Now(update: true);
        Assert.True(scheduler.IsPending);

        fails = false;

        if (how == "stop")
        {
            scheduler.Stop();
            scheduler.Start();
        }
        else
        {
            scheduler.Reset();
        }

        Assert.True(scheduler.IsActive);
        Assert.True(loop.Start(RunFlags.NoWait));
        Assert.Empty(thrown);
        Assert.Equal(loop.Now() + 60, scheduler.At, 0.1);
    }

    [Fact]
    public void A_failure_of_a_fatal_scheduler_leaves_Start()
    {
        Loop loop = NewLoop();
        var exception = new FormatException();
        int asked = 0, told = 0, calls = 0;
        loop.CallbackException += (_, _) => told++;
        Scheduler scheduler = loop.Scheduler(
            (_, now) => ++asked % 2 == 0 ? now + 0.001 : throw exception, (_, _) => calls++);
        scheduler.Fatal = true;

        Assert.Same(exception, Assert.Throws<FormatException>(scheduler.Start));
        Assert.False(scheduler.IsActive);
        scheduler.Start();
        Assert.True(scheduler.IsActive);
        Assert.Same(exception, Assert.Throws<FormatException>(() => loop.Start()));
        Assert.False(scheduler.IsActive);
        Assert.Equal((3, 0, 1), (asked, told, calls));
        Assert.False(loop.Start());
        scheduler.Dispose();
    }

    [Fact]
    public void A_failure_without_a_handler_is_written_to_standard_error()
    {
        Loop loop = NewLoop();
        Scheduler scheduler = loop.Scheduler((_, _) => throw new FormatException("of the moon"), s_nothing);
        TextWriter error = Console.Error;
        using var written = new StringWriter();
        Console.SetError(written);

        try
        {
            scheduler.Start();
        }
        finally
        {
            Console.SetError(error);
        }

        Assert.Contains("Scheduler", written.ToString(), StringComparison.Ordinal);
        Assert.Contains("of the moon", written.ToString(), StringComparison.Ordinal);
        scheduler.Dispose();
    }

    [Fact]
    public void Failures_of_the_function_and_of_the_callback_are_both_reported()
    {
        Loop loop = NewLoop();
        int asked = 0;
        var thrown = new List<Type>();
        loop.CallbackException += (_, e) => thrown.Add(e.Exception.GetType());
        Scheduler scheduler = loop.Scheduler(
            (_, now) => ++asked == 1 ? now + 0.001 : throw new FormatException(),
            (_, _) => throw new NotSupportedException());
        scheduler.Start();
        Assert.False(loop.Start());
        Assert.Equal([typeof(FormatException), typeof(NotSupportedException)], thrown);
        scheduler.Dispose();
    }

    [Fact]
    public void A_reschedule_function_may_read_but_not_change_watchers_and_loops()
    {
        Loop loop = NewLoop(), other = NewLoop(Backends.Epoll);
        int calls = 0;
        Timer active = loop.Timer(60, 60, (_, _) => calls++), inactive = loop.Timer(60, 60, (_, _) => calls++);
        Scheduler second = loop.Scheduler(InAnHour, (_, _) => calls++);
        Periodic periodic = loop.Periodic(0, 3600, (_, _) => calls++);
        Io io = loop.Io(0, Events.Read, (_, _) => calls++);
        Stat stat = loop.Stat("/", 0, (_, _) => calls++);
        Embed embed = loop.Embed(other);
        active.Start();
        second.Start();
        double at = second.At;
        var refused = new List<string>();
        bool touch = false;
        double seen = 0;

        var forbidden = new Dictionary<string, Action<Scheduler>>
        {
            ["stop itself"] = w => w.Stop(),
            ["dispose itself"] = w => w.Dispose(),
            ["reset itself"] = w => w.Reset(),
            ["feed itself"] = w => w.Feed(Events.Custom),
            ["clear itself"] = w => w.Clear(),
            ["invoke itself"] = w => w.Invoke(Events.Custom),
            ["keep alive"] = w => w.KeepAlive = false,
            ["fatal"] = w => w.Fatal = true,
            ["callback of itself"] = w => w.Callback = (_, _) => calls += 100,
            ["reschedule of itself"] = w => w.Reschedule = InAnHour,
            ["callback"] = _ => active.Callback = (_, _) => calls += 100,
            ["reschedule of another"] = _ => second.Reschedule = (_, _) => 0,
            ["priority"] = _ => inactive.Priority = 1,
            ["interval"] = _ => periodic.Interval = 1,
            ["io events"] = _ => io.Events = Events.Write,
            ["refresh"] = _ => stat.Refresh(),
            ["sweep"] = _ => embed.Sweep(),
            ["start"] = _ => inactive.Start(),
            ["stop"] = _ => active.Stop(),
            ["dispose"] = _ => active.Dispose(),
            ["set"] = _ => inactive.Set(1, 1),
            ["repeat"] = _ => active.Repeat = 1,
            ["reset"] = _ => active.Reset(),
            ["stop another"] = _ => second.Stop(),
            ["reset another"] = _ => second.Reset(),
            ["new watcher"] = _ => loop.Timer(1, 1, (_, _) => { }),
            ["new loop"] = _ => new Loop().Dispose(),
            ["default loop"] = _ => Loop.Default.Dispose(),
            ["run"] = _ => loop.Start(RunFlags.NoWait),
            ["run another loop"] = _ => other.Start(RunFlags.NoWait),
            ["invoke"] = _ => loop.Invoke(),
            ["callback of the loop"] = _ => loop.Callback = _ => { },
            ["io interval"] = _ => loop.IoInterval = 1,
            ["timeout interval"] = _ => loop.TimeoutInterval = 1,
            ["verify"] = _ => loop.Verify(),
            ["feed an fd"] = _ => loop.FeedFdEvent(0, Events.Read),
            ["feed a signal"] = _ => loop.FeedSignalEvent(Signum.SIGUSR1),
            ["resume"] = _ => loop.Resume(),
            ["dereference"] = _ => loop.DecRef(),
            ["update"] = _ => loop.Now(update: true),
            ["suspend"] = _ => loop.Suspend(),
            ["reset loop"] = _ => loop.Reset(),
            ["reference"] = _ => loop.IncRef(),
            ["dispose loop"] = _ => loop.Dispose(),
            ["dispose another loop"] = _ => other.Dispose(),
        };

        Scheduler scheduler = loop.Scheduler(
            (w, now) =>
            {
                if (touch)
                {
                    foreach ((string name, Action<Scheduler> action) in forbidden)
                    {
                        try
                        {
                            action(w);
                        }
                        catch (InvalidOperationException e) when (e is not ObjectDisposedException)
                        {
                            refused.Add(name);
                        }
                    }
                }

                seen = loop.Now() - now + (w.IsActive == touch ? 0 : 1) + active.Priority;
                return touch ? now + 3600 : now + 0.001;
            },
            (_, _) => calls++);

        scheduler.Start();
        touch = true;
        loop.Timer(0.01, 0, (_, _) => loop.Stop()).Start();
        Assert.True(loop.Start());
        Assert.Equal(forbidden.Keys, refused);
        Assert.Equal(0, seen);
        Assert.Equal(1, calls);
        Assert.True(scheduler.IsActive);
        Assert.True(active.IsActive);
        Assert.False(inactive.IsActive);
        Assert.Equal((60, at), (active.Repeat, second.At));
        Assert.Equal((0, false, 3600, Events.Read), (inactive.Priority, scheduler.Fatal, periodic.Interval, io.Events));
        Assert.Equal((0, 0), (loop.IoInterval, loop.TimeoutInterval));
        Assert.Equal(InAnHour(second, 0), second.Reschedule(second, 0));
        active.Invoke(Events.Custom);
        scheduler.Invoke(Events.Custom);
        Assert.Equal(3, calls);
        loop.Verify();

        // After the function has returned, every change is allowed again.
        Assert.Equal(2, Live().Loops);
        NewDefaultLoop();
        scheduler.Stop();
        active.Stop();
        second.Stop();
        Assert.False(loop.Start());
        scheduler.Dispose();
        active.Dispose();
        second.Dispose();
        inactive.Dispose();
        periodic.Dispose();
        io.Dispose();
        stat.Dispose();
        embed.Dispose();
    }

    [Fact]
    public void A_scheduler_with_KeepAlive_false_does_not_keep_the_loop_alive()
    {
        Loop loop = NewLoop();
        loop.CallbackException += (_, _) => { };
        bool fails = false;
        Scheduler scheduler = loop.Scheduler((_, now) => fails ? double.NaN : now + 3600, s_nothing);
        scheduler.KeepAlive = false;
        scheduler.Start();
        Assert.False(loop.Start());
        fails = true;
        scheduler.Reset();
        Assert.False(scheduler.IsActive);

        Assert.False(loop.Start(RunFlags.NoWait));
        Timer kept = loop.Timer(60, 0, (_, _) => { });
        kept.Start();
        Assert.True(loop.Start(RunFlags.NoWait));
        kept.Stop();
        Assert.False(loop.Start(RunFlags.NoWait));
        kept.Dispose();
        scheduler.Dispose();
    }

    [Fact]
    public void A_scheduler_may_dispose_itself_in_its_callback()
    {
        Loop loop = NewLoop();
        int calls = 0;
        Scheduler scheduler = loop.Scheduler((_, now) => now + 0.001, (w, _) =>
        {
            calls++;
            w.Dispose();
        });
        scheduler.Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
        Assert.Throws<ObjectDisposedException>(scheduler.Reset);
    }

    private static double InAnHour(Scheduler scheduler, double now) => now + 3600;

    private static double Fail(string how, double now) => how switch
    {
        "NaN" => double.NaN,
        "past" => now - 0.001,
        "minus infinity" => double.NegativeInfinity,
        _ => throw new FormatException(),
    };
}
