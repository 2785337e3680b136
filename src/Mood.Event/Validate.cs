using System;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>Arguments, checked before native code sees them.</summary>
internal static class Validate
{
    /// <summary>libev's resolution for times since the epoch; shorter intervals make it fire in every iteration.</summary>
    internal const double MinInterval = 1.0 / 8192;

    /// <summary>Beyond this a double is too coarse for libev's stepping from an offset to now, which then takes for ever.</summary>
    private const double MaxOffset = 1e12;

    private const LoopFlags AllFlags = LoopFlags.NoInotify | LoopFlags.SignalFd | LoopFlags.NoSigMask
        | LoopFlags.NoTimerFd | LoopFlags.NoEnv | LoopFlags.ForkCheck;

    internal static double Finite(double seconds, string parameter) =>
        IsFinite(seconds) ? seconds : throw Error.ArgumentOutOfRange_NotFinite(seconds, parameter);

    internal static double NotNegative(double seconds, string parameter) =>
        IsFinite(seconds) && seconds >= 0 ? seconds : throw Error.ArgumentOutOfRange_Negative(seconds, parameter);

    /// <summary>In seconds. Timeout.InfiniteTimeSpan is -1 ms, which libev would take for a time that is over.</summary>
    internal static double Time(TimeSpan time, string parameter) => time != System.Threading.Timeout.InfiniteTimeSpan
        ? time.TotalSeconds
        : throw Error.ArgumentOutOfRange_Infinite(time, parameter);

    internal static int Positive(int count, string parameter) =>
        count > 0 ? count : throw Error.ArgumentOutOfRange_NotPositive(count, parameter);

    internal static double Interval(double seconds, string parameter) =>
        IsFinite(seconds) && (seconds == 0 || seconds >= MinInterval)
            ? seconds
            : throw Error.ArgumentOutOfRange_Interval(seconds, parameter);

    internal static double Offset(double seconds, double interval, string parameter) =>
        interval == 0 || Math.Abs(Finite(seconds, parameter)) <= MaxOffset
            ? Finite(seconds, parameter)
            : throw Error.ArgumentOutOfRange_Offset(seconds, parameter);

    internal static Events IoEvents(Events events, string parameter) =>
        (events & ~(Events.Read | Events.Write)) == 0 ? events : throw Error.Argument_IoEvents(events, parameter);

    /// <summary>Events that can come.</summary>
    internal static Events WaitEvents(Events events, string parameter) =>
        IoEvents(events, parameter) != Events.None ? events : throw Error.Argument_WaitEvents(events, parameter);

    internal static int Timeout(int milliseconds, string parameter) =>
        milliseconds is > 0 or System.Threading.Timeout.Infinite
            ? milliseconds
            : throw Error.ArgumentOutOfRange_Timeout(milliseconds, parameter);

    internal static LoopFlags Flags(LoopFlags flags, string parameter) =>
        (flags & ~AllFlags) == 0 ? flags : throw Error.Argument_UnknownBits(flags, parameter);

    internal static Backends Backends(Backends backends, string parameter) =>
        (backends & ~Event.Backends.All) == 0 ? backends : throw Error.Argument_UnknownBits(backends, parameter);

    /// <summary>A signal's number, whether or not it can be watched.</summary>
    internal static int Signum(int signum, string parameter)
    {
        Library.Initialize();
        return Native.mood_signal_check(signum) == -Native.ERANGE
            ? throw Error.ArgumentOutOfRange_Signum(signum, parameter)
            : signum;
    }

    /// <summary>The number of a signal that can be watched.</summary>
    internal static int WatchableSignum(int signum, string parameter) =>
        Native.mood_signal_check(Signum(signum, parameter)) < 0
            ? throw Error.ArgumentOutOfRange_UnwatchableSignum(signum, parameter)
            : signum;

    internal static T NotNull<T>(T? value, string parameter)
        where T : class => value ?? throw new ArgumentNullException(parameter);

    private static bool IsFinite(double value) => !double.IsNaN(value) && !double.IsInfinity(value);
}
