using System;
using System.Diagnostics;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <summary>
/// A time counter that is cheaper to read than Stopwatch. It reads the processor's counter if that runs at a constant rate.
/// Otherwise it uses Stopwatch.
/// </summary>
internal static class Ticks
{
    private static readonly bool s_hasCycles = Native.mood_ticks() != 0;
    private static readonly double s_perSecond = s_hasCycles ? Calibrate() : Stopwatch.Frequency;

    internal static long Now
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => s_hasCycles ? Native.mood_ticks() : Stopwatch.GetTimestamp();
    }

    internal static long From(TimeSpan time) => (long)Math.Min(time.TotalSeconds * s_perSecond, long.MaxValue / 2);

    internal static TimeSpan Span(long ticks) => TimeSpan.FromTicks((long)(Math.Max(0, ticks) / s_perSecond * TimeSpan.TicksPerSecond));

    internal static double Seconds(long ticks) => Math.Max(0, ticks) / s_perSecond;

    // Takes half a millisecond, once in a process that measures. The error of the frequency is then about one part in a thousand.
    private static double Calibrate()
    {
        long begun = Stopwatch.GetTimestamp(), cycles = Native.mood_ticks(), now;

        do
        {
            now = Stopwatch.GetTimestamp();
        }
        while (now - begun < Stopwatch.Frequency / 2000);

        return (Native.mood_ticks() - cycles) * (double)Stopwatch.Frequency / (now - begun);
    }
}
