using System;

namespace Mood.Event;

/// <summary>Checks of arguments, before native code receives them. Each returns its argument, or throws.</summary>
internal static class Validate
{
    /// <summary>libev's resolution for times since 1970, in seconds. A shorter interval would be due in every iteration.</summary>
    internal const double MinInterval = 1.0 / 8192;

    // Beyond this limit a double is too coarse: libev adds the interval to the offset until the time is in the future, and might never end.
    private const double MaxOffset = 1e12;

    private const LoopFlags AllFlags = LoopFlags.NoInotify | LoopFlags.SignalFd | LoopFlags.NoSigMask
        | LoopFlags.NoTimerFd | LoopFlags.NoEnv | LoopFlags.ForkCheck;

    internal static double Finite(double seconds, string parameter) =>
        IsFinite(seconds) ? seconds : throw Error.ArgumentOutOfRange_NotFinite(seconds, parameter);

    internal static double NotNegative(double seconds, string parameter) =>
        IsDuration(seconds) ? seconds : throw Error.ArgumentOutOfRange_Negative(seconds, parameter);

    /// <summary>As NotNegative, with a message that names Timeout.InfiniteTimeSpan. Programs pass -1 for an endless delay,
    /// because Task.Delay accepts it.</summary>
    internal static double Delay(double seconds, string parameter) =>
        IsDuration(seconds) ? seconds : throw Error.ArgumentOutOfRange_Delay(seconds, parameter);

    /// <summary>
    /// Converts to seconds. Every member that takes a TimeSpan uses this, because Timeout.InfiniteTimeSpan is -1 ms, which libev
    /// would treat as a time that has already passed.
    /// </summary>
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

    /// <summary>The events that an Io can watch for: Read, Write, both or None.</summary>
    internal static Events IoEvents(Events events, string parameter) =>
        (events & ~(Events.Read | Events.Write)) == 0 ? events : throw Error.Argument_IoEvents(events, parameter);

    /// <summary>The events that a wait can end with: Read, Write or both.</summary>
    internal static Events WaitEvents(Events events, string parameter) =>
        IoEvents(events, parameter) != Events.None ? events : throw Error.Argument_WaitEvents(events, parameter);

    internal static int Timeout(int milliseconds, string parameter) =>
        milliseconds is > 0 or System.Threading.Timeout.Infinite
            ? milliseconds
            : throw Error.ArgumentOutOfRange_Timeout(milliseconds, parameter);

    internal static LoopFlags Flags(LoopFlags flags, string parameter) =>
        (flags & ~AllFlags) == 0 ? flags : throw Error.Argument_UnknownBits(flags, flags & ~AllFlags, parameter);

    internal static Backends Backends(Backends backends, string parameter) => (backends & ~Event.Backends.All) == 0
        ? backends
        : throw Error.Argument_UnknownBits(backends, backends & ~Event.Backends.All, parameter);

    /// <summary>The number of a signal of this platform. Some of them cannot be watched.</summary>
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

    /// <summary>The distinct numbers of signals that can be watched, in a new array.</summary>
    internal static int[] WatchableSignums(System.Collections.Generic.IReadOnlyList<int> signums, string parameter)
    {
        var distinct = new System.Collections.Generic.List<int>(NotNull(signums, parameter).Count);

        foreach (int signum in signums)
        {
            if (!distinct.Contains(WatchableSignum(signum, parameter)))
            {
                distinct.Add(signum);
            }
        }

        return [.. distinct];
    }

    /// <summary>An asynchronous function: a delegate of one method. A delegate of several methods returns only the task of the
    /// last one, so the exceptions of the others would be lost.</summary>
    internal static T Function<T>(T? function, string parameter)
        where T : Delegate =>
        NotNull(function, parameter).GetInvocationList().Length == 1 ? function! : throw Error.Argument_Multicast(parameter);

    internal static T NotNull<T>(T? value, string parameter)
        where T : class => value ?? throw new ArgumentNullException(parameter);

    private static bool IsDuration(double seconds) => IsFinite(seconds) && seconds >= 0;

    private static bool IsFinite(double value) => !double.IsNaN(value) && !double.IsInfinity(value);
}
