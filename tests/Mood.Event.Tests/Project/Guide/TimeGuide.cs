using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Threading;
using System.Threading.Tasks;
using Xunit;

namespace Mood.Event.Tests.Guide;

/// <summary>The code of docs/guide/time.md.</summary>
public sealed class TimeGuide : LoopTestBase
{
    private readonly ManualClock _clock = new();
    private readonly List<string> _log = [];

    [Fact]
    public void Timers()
    {
        Loop loop = NewLoop(_clock);

        Timer once = loop.Timer(after: 2.5, repeat: 0, (timer, events) => Log("once"));
        Timer ticks = loop.Timer(TimeSpan.FromSeconds(1), TimeSpan.FromSeconds(1), (timer, events) => Log("tick"));
        once.Start();
        ticks.Start();

        _clock.Advance(loop, 3);
        Assert.Equal(["1 tick", "2 tick", "2.5 once", "3 tick"], _log);
    }

    [Fact]
    public void An_idle_timeout()
    {
        Loop loop = NewLoop(_clock);
        bool closed = false;
        void Close() => closed = true;

        Timer idle = loop.Timer(60, 60, (timer, events) =>
        {
            timer.Stop();
            Close();
        });
        idle.Start();

        // at each activity
        idle.Reset();

        _clock.Advance(loop, 59);
        idle.Reset();
        _clock.Advance(loop, 59);
        Assert.False(closed);
        _clock.Advance(loop, 1);
        Assert.True(closed);
        idle.Dispose();
    }

    [Fact]
    public void Periodics()
    {
        Loop loop = NewLoop(_clock);
        void Rotate() => Log("rotate");
        void Celebrate() => Log("celebrate");

        // at midnight UTC, every day
        loop.Periodic(offset: 0, interval: 86400, (periodic, events) => Rotate()).Start();

        // once, at this time
        var at = new DateTimeOffset(2000, 1, 2, 12, 0, 0, TimeSpan.Zero);
        loop.Periodic(at, (periodic, events) => Celebrate()).Start();

        _clock.Advance(loop, TimeSpan.FromDays(2));
        Assert.Equal(["86400 rotate", "129600 celebrate", "172800 rotate"], _log);
    }

    [Fact]
    public void Schedulers()
    {
        var clock = new ManualClock(new DateTimeOffset(2024, 1, 30, 0, 0, 0, TimeSpan.Zero));
        Loop loop = NewLoop(clock);
        var bills = new List<DateTimeOffset>();
        void Bill() => bills.Add(clock.UtcNow);

        // on the first day of each month
        static DateTimeOffset? NextMonth(Scheduler scheduler, DateTimeOffset now) =>
            new DateTimeOffset(now.Year, now.Month, 1, 0, 0, 0, TimeSpan.Zero).AddMonths(1);

        loop.Scheduler(NextMonth, (scheduler, events) => Bill()).Start();

        clock.Advance(loop, TimeSpan.FromDays(60));
        Assert.Equal(["02-01", "03-01"], bills.Select(b => b.ToString("MM-dd", null)));
    }

    // UTC. Berlin is one hour ahead, and in summer two.
    [Theory]
    [InlineData("2026-03-28", "03-28 01:30, 03-29 01:00, 03-30 00:30")] // summer time begins on the 29th: 02:30 is skipped, and the job runs at 03:00
    [InlineData("2026-10-24", "10-24 00:30, 10-25 00:30, 10-26 01:30")] // it ends on the 25th: 02:30 comes twice, and the job runs at the first
    public void A_local_time(string start, string expected)
    {
        var clock = new ManualClock(DateTimeOffset.Parse(start, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal));
        Loop loop = NewLoop(clock);
        var times = new List<string>();
        void BackUp() => times.Add($"{clock.UtcNow:MM-dd HH:mm}");

        // every day at a local time
        static DateTimeOffset NextDay(DateTimeOffset now, TimeOnly at, TimeZoneInfo zone)
        {
            for (DateTime day = TimeZoneInfo.ConvertTime(now, zone).Date; ; day = day.AddDays(1))
            {
                DateTime local = day + at.ToTimeSpan();

                while (zone.IsInvalidTime(local))
                {
                    local = local.AddMinutes(1); // a skipped time: take the first time after it
                }

                // a time that comes twice: take the first
                TimeSpan offset = zone.IsAmbiguousTime(local) ? zone.GetAmbiguousTimeOffsets(local).Max() : zone.GetUtcOffset(local);
                var next = new DateTimeOffset(local, offset);

                if (next > now)
                {
                    return next;
                }
            }
        }

        TimeZoneInfo berlin = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        loop.Scheduler((scheduler, now) => NextDay(now, new TimeOnly(2, 30), berlin), (scheduler, events) => BackUp()).Start();

        clock.Advance(loop, TimeSpan.FromDays(3));
        Assert.Equal(expected, string.Join(", ", times));
    }

    [Fact]
    public void Now()
    {
        Loop loop = NewLoop(_clock);
        void Compute() => _clock.Advance(5);

        loop.Timer(0, 0, (timer, events) =>
        {
            Compute(); // takes 5 seconds
            loop.Timer(1, 0, (_, _) => Log("early")).Start();

            loop.Now(update: true);
            loop.Timer(1, 0, (_, _) => Log("in a second")).Start();
        }).Start();

        loop.Start(RunFlags.NoWait);
        loop.Start(RunFlags.NoWait);
        Assert.Equal(["5 early"], _log);
        _clock.Advance(loop, 1);
        Assert.Equal("6 in a second", _log[1]);
    }

    [Fact]
    public void The_timers_of_dotnet()
    {
        Loop loop = NewLoop(_clock);
        int samples = 0;
        void Sample() => samples++;

        async Task SampleEachSecond(CancellationToken cancellation)
        {
            using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), loop.TimeProvider);

            while (await timer.WaitForNextTickAsync(cancellation))
            {
                Sample(); // on the loop's thread
            }
        }

        using var stop = new CancellationTokenSource(TimeSpan.FromMinutes(1), loop.TimeProvider);
        Task sampling = loop.InvokeAsync(() => SampleEachSecond(stop.Token));

        _clock.Advance(loop, 30.5);
        Assert.Equal(30, samples);
        Assert.False(sampling.IsCompleted);
        _clock.Advance(loop, 60);
        Assert.InRange(samples, 59, 60);
        Assert.True(sampling.IsCanceled);
    }

    private void Log(string what) => _log.Add(FormattableString.Invariant($"{_clock.Now - new ManualClock().Now} {what}"));
}
