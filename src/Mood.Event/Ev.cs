using System;

namespace Mood.Event;

/// <summary>
/// Functions and constants that belong to no loop: versions, backends, the wall clock, sleeping, feeding signals. Every
/// member may be used from any thread.
/// </summary>
public static partial class Ev
{
    /// <summary>The lowest <see cref="Watcher.Priority"/>: -2 (EV_MINPRI).</summary>
    public const int MinPriority = -2;

    /// <summary>The highest <see cref="Watcher.Priority"/>: 2 (EV_MAXPRI).</summary>
    public const int MaxPriority = 2;

    private const double MaxSleep = 86400;

    /// <summary>The version of the libev that the native library contains: (4, 33) (ev_version_major, ev_version_minor).</summary>
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

    /// <summary>The backends that a loop can use on this system (ev_supported_backends).</summary>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Backends SupportedBackends
    {
        get
        {
            Library.Initialize();
            return (Backends)Native.mood_supported_backends();
        }
    }

    /// <summary>
    /// The supported backends that libev recommends (ev_recommended_backends). <see cref="Backends.Auto"/> chooses from them.
    /// </summary>
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
    /// The backends whose loops an <see cref="Embed"/> can embed (ev_embeddable_backends). Some of them may not be supported
    /// on this system.
    /// </summary>
    /// <remarks>libev also names io_uring. It is left out here, because an embedded io_uring loop does not work.</remarks>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Backends EmbeddableBackends
    {
        get
        {
            Library.Initialize();
            return (Backends)Native.mood_embeddable_backends();
        }
    }

    /// <summary>
    /// Reads the wall clock (ev_time). Inside a callback <see cref="Loop.Now"/> is cheaper, and it is the time that timers
    /// count from.
    /// </summary>
    /// <returns>Seconds since 1970-01-01 UTC.</returns>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static double Time()
    {
        Library.Initialize();
        return Native.mood_time();
    }

    /// <summary>
    /// Blocks the calling thread for a time (ev_sleep). Signals do not end the sleep early. A time of zero or less returns at
    /// once.
    /// </summary>
    /// <param name="seconds">Seconds to sleep, at most 86400 (one day).</param>
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

    /// <summary>
    /// Blocks the calling thread for a time (ev_sleep). Signals do not end the sleep early. A time of zero or less returns at
    /// once.
    /// </summary>
    /// <param name="time">The time to sleep, at most one day.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="time"/> is more than one day, or is
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static void Sleep(TimeSpan time) => Sleep(Validate.Time(time, nameof(time)));

    /// <summary>
    /// Reports a signal to its <see cref="Signal"/> watchers as if the process had received it (ev_feed_signal). Any thread.
    /// Nothing happens if no loop watches the signal.
    /// </summary>
    /// <param name="signum">The signal's number on this platform, for example <see cref="Signum.SIGHUP"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">This platform has no signal with this number.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static void FeedSignal(int signum) =>
        Native.mood_feed_signal(Validate.Signum(signum, nameof(signum)));
}
