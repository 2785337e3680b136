using System;
using System.IO;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>The members that take or return a DateTimeOffset, on a manual clock, and the permissions of a file.</summary>
public sealed class DateTimeOffsetTests : LoopTestBase
{
    private static readonly DateTimeOffset s_start = new(2026, 3, 29, 0, 59, 0, TimeSpan.Zero);

    [Fact]
    public void UtcNow_is_the_time_of_the_loop()
    {
        var clock = new ManualClock(s_start);
        using var loop = new Loop(clock: clock);
        AssertNear(s_start, loop.UtcNow);
        clock.Advance(90);
        AssertNear(s_start.AddSeconds(90), loop.UtcNow);
        loop.Dispose();
        Assert.Throws<ObjectDisposedException>(() => loop.UtcNow);
    }

    [Fact]
    public void UtcNow_has_the_resolution_of_a_double()
    {
        var clock = new ManualClock(s_start);
        using var loop = new Loop(clock: clock);

        for (int i = 0; i < 1000; i++)
        {
            clock.Advance(0.000_001_7);
            AssertNear(clock.UtcNow, loop.UtcNow);
        }
    }

    // On a manual clock the loop calls the function exactly at the full minute. The function then returns its argument, and the loop
    // calls it a second time.
    [Theory]
    [InlineData(1960)]
    [InlineData(1970)]
    [InlineData(1985)]
    [InlineData(2000)]
    [InlineData(2026)]
    [InlineData(2100)]
    [InlineData(2500)]
    public void A_reschedule_function_that_rounds_up_to_the_full_minute_causes_one_call_per_minute(int year)
    {
        var clock = new ManualClock(new DateTimeOffset(year, 1, 1, 0, 0, 30, TimeSpan.Zero));
        using var loop = new Loop(clock: clock);
        int asked = 0, calls = 0;
        Scheduler scheduler = loop.Scheduler(
            (_, now) =>
            {
                asked++;
                return now.AddTicks((TimeSpan.TicksPerMinute - (now.Ticks % TimeSpan.TicksPerMinute)) % TimeSpan.TicksPerMinute);
            },
            (_, _) => calls++);
        scheduler.Start();
        clock.Advance(loop, 600);
        Assert.Equal((10, 21), (calls, asked));
    }

    [Fact]
    public void AtTime_of_a_periodic_is_null_before_the_first_start()
    {
        using var loop = new Loop(clock: new ManualClock(s_start));
        Periodic periodic = loop.Periodic(0, 3600, (_, _) => { });
        Assert.Null(periodic.AtTime);
        periodic.Start();
        AssertNear(s_start.AddMinutes(1), periodic.AtTime);
    }

    [Fact]
    public void A_reschedule_function_may_use_DateTimeOffset()
    {
        var clock = new ManualClock(s_start);
        using var loop = new Loop(clock: clock);
        int calls = 0;
        int asked = 0; // Start asks the function, and so does the loop before each call
        Scheduler scheduler = loop.Scheduler(
            (_, now) => asked++ < 2 ? now.AddHours(1).ToOffset(TimeSpan.FromHours(2)) : null, (_, _) => calls++);
        Assert.Null(scheduler.AtTime);
        scheduler.Start();
        AssertNear(s_start.AddHours(1), scheduler.AtTime);
        clock.Advance(loop, 10 * 3600.0);
        Assert.Equal(2, calls);
        Assert.Null(scheduler.AtTime); // the function has returned null
        Assert.True(scheduler.IsActive);
    }

    [Fact]
    public void A_scheduler_may_return_the_present_time_although_DateTimeOffset_rounds()
    {
        var clock = new ManualClock(s_start);
        using var loop = new Loop(clock: clock);
        int failures = 0;
        loop.CallbackException += (_, _) => failures++;

        for (int i = 0; i < 1000; i++)
        {
            clock.Advance(0.000_000_3);
            Scheduler scheduler = loop.Scheduler((_, now) => now, (_, _) => { });
            scheduler.Start();
            Assert.True(scheduler.IsActive);
            scheduler.Dispose();
        }

        Assert.Equal(0, failures);
    }

    [Fact]
    public void A_scheduler_that_returns_a_time_in_the_past_is_stopped()
    {
        using var loop = new Loop(clock: new ManualClock(s_start));
        Exception? failure = null;
        loop.CallbackException += (_, e) => failure = e.Exception;
        Scheduler scheduler = loop.Scheduler((_, now) => now.AddSeconds(-1), (_, _) => { });
        scheduler.Start();
        Assert.IsType<InvalidOperationException>(failure);
        Assert.False(scheduler.IsActive);
        Assert.Throws<ArgumentNullException>(
            "reschedule", () => new Scheduler(loop, (Func<Scheduler, DateTimeOffset, DateTimeOffset?>)null!, (_, _) => { }));
    }

    [Fact]
    public void Permissions_are_those_of_the_file()
    {
        string path = Path.GetTempFileName();
        Loop loop = NewLoop();

        try
        {
            const UnixFileMode Mode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.OtherExecute | UnixFileMode.SetGroup;
#pragma warning disable CA1416 // Windows has no permissions, and this test does not run there
            File.SetUnixFileMode(path, Mode);
#pragma warning restore CA1416
            Stat stat = loop.Stat(path, 0, (_, _) => { });
            stat.Start();
            Assert.Equal(Mode, stat.Attr.Permissions);
            Assert.Equal(UnixFileMode.None, default(FileStatus).Permissions);
        }
        finally
        {
            File.Delete(path);
        }
    }

    // A double that holds a time of this century has a resolution of 0.24 us.
    private static void AssertNear(DateTimeOffset expected, DateTimeOffset? actual) =>
        Assert.InRange((actual!.Value - expected).Duration(), TimeSpan.Zero, TimeSpan.FromMicroseconds(1));
}
