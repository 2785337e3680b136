using System;
using System.Collections.Generic;
using Xunit;

namespace Mood.Event.Tests;

/// <summary>
/// A manual clock works at every time from 1900 to 2100, also near 1970, where the seconds since the epoch are small numbers.
/// </summary>
public sealed class ManualClockRangeTests : LoopTestBase
{
    /// <summary>
    /// The resolution of the monotonic time after two centuries: the unit in the last place of 6.3e9 seconds, plus a rounding
    /// error.
    /// </summary>
    private const double Resolution = 2e-6;

    [Fact]
    public void An_absolute_time_of_1970_is_past_in_2000()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        int calls = 0;
        loop.Periodic(DateTimeOffset.UnixEpoch.AddSeconds(0.3), (_, _) => calls++).Start();
        Assert.False(loop.Start());
        Assert.Equal(1, calls);
    }

    [Fact]
    public void An_hourly_periodic_is_called_on_time_from_1969_to_1970()
    {
        var clock = new ManualClock(new DateTimeOffset(1969, 12, 31, 22, 0, 0, TimeSpan.Zero));
        Loop loop = NewLoop(clock);
        var times = new List<double>();
        loop.Periodic(0.11, 3600, (_, _) => times.Add(loop.Now())).Start();
        clock.Advance(loop, 3 * 3600);
        Assert.True(times.Count == 3, string.Join(", ", times));

        for (int i = 0; i < times.Count; i++)
        {
            Assert.InRange(times[i] - ((i - 2) * 3600 + 0.11), -Resolution, Resolution);
        }
    }

    [Fact]
    public void A_periodic_continues_after_the_wall_clock_is_set_to_1970()
    {
        var clock = new ManualClock();
        Loop loop = NewLoop(clock);
        int calls = 0;
        loop.Periodic(0, 0.1, (_, _) => calls++).Start();
        clock.Advance(loop, 100);
        calls = 0;
        clock.SetUtcNow(DateTimeOffset.UnixEpoch);
        clock.Advance(loop, 1);
        Assert.InRange(calls, 9, 11);
    }

    [Fact]
    public void Watchers_at_random_times_from_1900_to_2100_are_called_in_order()
    {
        const int Seed = 20261128;
        var random = new Random(Seed);

        for (int i = 0; i < 2000; i++)
        {
            var clock = new ManualClock(RandomTime(random));
            using var loop = new Loop(LoopFlags.NoEnv, Backends.Select, clock: clock);
            double interval = Math.Round(Math.Exp(random.NextDouble() * 20 - 5), 3) + 0.001, due = 0;
            double offset = random.NextDouble() * interval, last = double.NegativeInfinity;
            int calls = 0, late = 0;
            Periodic periodic = loop.Periodic(offset, interval, (w, _) =>
            {
                calls++;
                late += loop.Now() - due is >= 0 and <= Resolution && loop.Now() - last >= interval - Resolution ? 0 : 1;
                last = loop.Now();
                due = w.At;
            });
            loop.Periodic(RandomTime(random), (w, _) => late += w.IsActive ? 1 : 0).Start();
            loop.Timer(interval / 2, interval, (_, _) => { }).Start();
            periodic.Start();
            due = periodic.At;

            for (int step = 0; step < 3; step++)
            {
                clock.Advance(loop, interval * random.Next(1, 8) * (0.5 + random.NextDouble()));
                Assert.True(late == 0 && due >= clock.Now, $"seed {Seed}, case {i}, step {step}: {late} of {calls} at a wrong time, due {due:R}, now {clock.Now:R}");

                if (step == 1)
                {
                    clock.SetUtcNow(RandomTime(random));
                    last = double.NegativeInfinity;
                    loop.Start(RunFlags.NoWait);
                    due = periodic.At;
                }
            }
        }
    }

    private static DateTimeOffset RandomTime(Random random)
    {
        DateTimeOffset from = new(1900, 1, 1, 0, 0, 0, TimeSpan.Zero), to = new(2100, 1, 1, 0, 0, 0, TimeSpan.Zero);

        // A quarter of the times is near 1970.
        return random.Next(4) == 0
            ? DateTimeOffset.UnixEpoch.AddTicks((long)((random.NextDouble() - 0.5) * TimeSpan.TicksPerDay))
            : from.AddTicks((long)(random.NextDouble() * (to - from).Ticks));
    }
}
