using System;

namespace Mood.Event;

/// <summary>libev's times of the wall clock: seconds since 1970-01-01 UTC.</summary>
internal static class UnixTime
{
    private const long EpochTicks = 621_355_968_000_000_000;

    internal static double From(DateTimeOffset time) => (time.UtcTicks - EpochTicks) / (double)TimeSpan.TicksPerSecond;

    /// <summary>The nearest time that a DateTimeOffset can hold. The argument may be any number except NaN.</summary>
    internal static DateTimeOffset To(double seconds)
    {
        if (seconds <= -EpochTicks / TimeSpan.TicksPerSecond)
        {
            return DateTimeOffset.MinValue;
        }

        if (seconds >= (DateTimeOffset.MaxValue.Ticks - EpochTicks) / TimeSpan.TicksPerSecond + 1)
        {
            return DateTimeOffset.MaxValue;
        }

        // The sum is one of integers: as a double, the ticks since the year 1 have steps of 12.8 us.
        double whole = Math.Floor(seconds), part = Math.Round((seconds - whole) * TimeSpan.TicksPerSecond);
        return new DateTimeOffset(EpochTicks + (long)whole * TimeSpan.TicksPerSecond + (long)part, TimeSpan.Zero);
    }

    /// <summary>The time of a next call. Null for 0 (no call was computed yet), for never, and for a time that a DateTimeOffset
    /// cannot hold.</summary>
    internal static DateTimeOffset? Next(double at)
    {
        DateTimeOffset time = at != 0 && !double.IsNaN(at) ? To(at) : default;
        return time == DateTimeOffset.MinValue || time == DateTimeOffset.MaxValue ? null : time;
    }
}
