using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>What belongs to no loop. Every member may be used from any thread.</summary>
public static class Ev
{
    /// <summary>The lowest priority of a watcher (EV_MINPRI).</summary>
    public const int MinPriority = -2;

    /// <summary>The highest priority of a watcher (EV_MAXPRI).</summary>
    public const int MaxPriority = 2;

    private const double MaxSleep = 86400;

    /// <summary>The libev inside the native library: (4, 33).</summary>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static (int Major, int Minor) AbiVersion
    {
        get
        {
            Library.Initialize();
            int version = Native.mood_libev_version();
            return (version >> 16, version & 0xffff);
        }
    }

    /// <summary>The version of this package, without build metadata.</summary>
    public static string Version => Library.Version;

    /// <summary>The backends compiled in that this kernel offers (ev_supported_backends).</summary>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Backends SupportedBackends
    {
        get
        {
            Library.Initialize();
            return (Backends)Native.mood_supported_backends();
        }
    }

    /// <summary>The supported backends that libev trusts (ev_recommended_backends): what Auto chooses from.</summary>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Backends RecommendedBackends
    {
        get
        {
            Library.Initialize();
            return (Backends)Native.mood_recommended_backends();
        }
    }

    /// <summary>
    /// The backends whose loops can be embedded in another loop (ev_embeddable_backends, less io_uring, which libev
    /// names although it cannot). Not all of them need be supported here.
    /// </summary>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Backends EmbeddableBackends
    {
        get
        {
            Library.Initialize();
            return (Backends)Native.mood_embeddable_backends();
        }
    }

    /// <summary>The wall clock, in seconds since the epoch (ev_time). <see cref="Loop.Now"/> is cheaper and steadier.</summary>
    /// <returns>Seconds since 1970-01-01 UTC.</returns>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static double Time()
    {
        Library.Initialize();
        return Native.mood_time();
    }

    /// <summary>Sleeps (ev_sleep), signals or not. Zero and negative times return at once.</summary>
    /// <param name="seconds">How long, at most 86400 (a day).</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="seconds"/> is NaN or more than 86400.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static void Sleep(double seconds)
    {
        if (double.IsNaN(seconds) || seconds > MaxSleep)
        {
            throw Error.ArgumentOutOfRange_Sleep(seconds, nameof(seconds));
        }

        Library.Initialize();
        Native.mood_sleep(seconds);
    }

    /// <inheritdoc cref="Sleep(double)"/>
    /// <param name="time">How long, at most a day.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is more than a day, or infinite.</exception>
    public static void Sleep(TimeSpan time) => Sleep(Validate.Time(time, nameof(time)));

    /// <summary>
    /// Acts as if the signal had come (ev_feed_signal): its watchers become pending in the loop that owns it. Without a
    /// watcher, nothing happens.
    /// </summary>
    /// <param name="signum">The signal's number on this platform.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no signal of this number.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static void FeedSignal(int signum) =>
        Native.mood_feed_signal(Validate.Signum(signum, nameof(signum)));

#if NET8_0_OR_GREATER
    /// <inheritdoc cref="FeedSignal(int)"/>
    /// <param name="signal">The signal.</param>
    public static void FeedSignal(System.Runtime.InteropServices.PosixSignal signal) => FeedSignal(Signum.From(signal));
#endif
}
