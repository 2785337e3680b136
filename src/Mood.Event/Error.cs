using System;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace Mood.Event;

/// <summary>
/// Creates every exception of the library. Each method is named Kind_Reason. A message names the object, the value, the rule and
/// the way out. The caller passes the values that the message contains. This class calls no native code, and knows only the
/// native error numbers. The callers of Event_Native turn an errno into an exception. For ENOMEM these are
/// <see cref="WatcherHandle"/>, <see cref="LoopHandle"/> and <see cref="Stat"/>. Loop/Loop.Failure.cs does it when libev itself
/// gets no memory.
/// </summary>
internal static partial class Error
{
    private const string FromOtherThreads =
        "From other threads use Loop.Post, Loop.InvokeAsync, Loop.Spawn, Loop.Stop, Async.Send or the members of Ev.";

    private static CultureInfo Culture => CultureInfo.InvariantCulture;

    // -- arguments ----------------------------------------------------------------------------------------------------

    internal static InvalidOperationException InvalidOperation_NoWatchdog(Exception inner) => new(
        "LoopOptions.Blocked needs a watchdog thread, and the system refused to start it. Set Blocked to TimeSpan.Zero, or free memory or threads.",
        inner);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NotFinite(double value, string parameter) =>
        new(parameter, value, "A time must be a finite number of seconds, not NaN or an infinity. To wait for ever, do not start the watcher.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Infinite(TimeSpan value, string parameter) =>
        new(parameter, value, "An infinite time is not allowed. To wait for ever, do not start the watcher.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Negative(double value, string parameter) =>
        new(parameter, value, "This time must be a finite number of seconds, zero or more.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Delay(double value, string parameter) =>
        new(parameter, value, "A delay must be a finite number of seconds, zero or more. To wait until a token is cancelled, "
            + "pass Timeout.InfiniteTimeSpan.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NotPositive(int value, string parameter) =>
        new(parameter, value, "The count must be at least 1.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Interval(double value, string parameter) =>
        new(parameter, value, "An interval must be 0 (no repetition) or at least 1/8192 second, the resolution of libev's wall "
            + "clock. For shorter intervals use a Timer.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Offset(double value, string parameter) =>
        new(parameter, value, "The offset of a Periodic with an interval must lie between -1e12 and 1e12 seconds.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Sleep(double value, string parameter) =>
        new(parameter, value, "The time to sleep must be at most 86400 seconds (one day), and not NaN.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NegativeFd(int fd, string parameter) =>
        new(parameter, fd, "A file descriptor must be 0 or more.");

    internal static ArgumentException Argument_Multicast(string parameter) => new(
        "The delegate has several methods (it is multicast), and only the task of the last one could be awaited. Pass one "
        + "function that calls and awaits them.",
        parameter);

    internal static ArgumentException Argument_ClosedFd(int fd, string parameter) => Platform.IsWindows
        ? Argument_NoSocket(fd, parameter)
        : new(string.Format(Culture, "File descriptor {0} is not open. Only an open file can be watched.", fd), parameter);

    internal static ArgumentException Argument_LargeFd(int fd, string parameter) => new(
        string.Format(Culture, "File descriptor {0} is too large. A loop can watch numbers below {1}.", fd, Native.Fds), parameter);

    internal static ArgumentException Argument_ClosedHandle(string parameter) =>
        new("The handle is closed or invalid. Only the handle of an open file can be watched.", parameter);

    internal static ArgumentException Argument_NoFd(string parameter) => new(
        Platform.IsWindows
            ? "The value of the handle does not fit into an int, so it is not the handle of a socket. On Windows a loop can wait for sockets only."
            : "The handle does not contain a file descriptor. Use the handle of a file, pipe or socket.",
        parameter);

    internal static ArgumentException Argument_IoEvents(Events events, string parameter) => new(
        string.Format(Culture, "An Io can watch for Events.Read, Events.Write, both or None, but not for {0} (0x{1:X}).", events, (int)events),
        parameter);

    internal static ArgumentException Argument_WaitEvents(Events events, string parameter) => new(
        string.Format(Culture, "A wait must be for Events.Read, Events.Write or both, but not for {0} (0x{1:X}).", events, (int)events),
        parameter);

    internal static ArgumentException Argument_UnknownBits(Enum value, Enum unknown, string parameter) => new(
        string.Format(Culture, "The {0} value 0x{1:X} contains unknown bits: 0x{2:X}.", value.GetType().Name, value, unknown), parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Enum(Enum value, string parameter) =>
        new(parameter, value, string.Format(Culture, "{0} has no such member.", value.GetType().Name));

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Signum(int signum, string parameter) =>
        new(parameter, signum, "This platform has no signal with this number. See Signum for the numbers.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_UnwatchableSignum(int signum, string parameter) =>
        new(parameter, signum, Platform.IsWindows
            ? "This signal cannot be watched: Windows has SIGINT, SIGQUIT (Ctrl+Break), SIGTERM (shutdown) and SIGHUP (the console is closed) only."
            : "This signal cannot be watched: it cannot be caught (KILL, STOP), it reports a fault in a thread (SEGV, BUS, FPE, "
                + "ILL, TRAP, ABRT), or the runtime uses it.");

    internal static ArgumentException Argument_NoSignals(string parameter) =>
        new("The list is empty. A wait needs at least one signal.", parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Pid(int pid, string parameter) =>
        new(parameter, pid, "A pid must be positive, or 0 to watch every child.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_ShutdownTimeout(TimeSpan value, string parameter) =>
        new(parameter, value, "The shutdown time-out must not be negative. Timeout.InfiniteTimeSpan waits without limit.");

    internal static ArgumentException Argument_NotStarted(string parameter) =>
        new("The Process object has no process: start it first, and do not dispose it before the Child.", parameter);

    internal static ArgumentException Argument_OtherClock(string parameter) =>
        new("The loop does not use this clock. Pass the clock to the loop's constructor.", parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Future(double value, string parameter) =>
        new(parameter, value, "The clock cannot go past DateTimeOffset.MaxValue, the end of the year 9999.");

    internal static ArgumentException Argument_Path(string parameter) =>
        new("A path must not be empty and must not contain a NUL character.", parameter);

    // -- state --------------------------------------------------------------------------------------------------------

    internal static ObjectDisposedException ObjectDisposed(object instance) => new(NameOf(instance));

    [DoesNotReturn]
    internal static void Throw_Disposed(object instance) => throw ObjectDisposed(instance);

    internal static ObjectDisposedException ObjectDisposed_Kill(object instance) => new(
        NameOf(instance),
        "A disposed Child cannot send signals, and the Child that WaitForExitAsync returns is disposed already. Start a Child of your own.");

    internal static ObjectDisposedException ObjectDisposed_Call(object instance) =>
        new(NameOf(instance), "The loop was disposed before the call completed.");

    internal static ObjectDisposedException ObjectDisposed_Continuation(object instance) => new(
        NameOf(instance),
        "The continuation of an await was not called, because its loop is disposed. Await everything that runs on a loop before "
        + "the loop is disposed.");

    internal static ObjectDisposedException ObjectDisposed_Run(object instance) =>
        new(NameOf(instance), "The loop was disposed before the task given to Run completed.");

    internal static InvalidOperationException InvalidOperation_RunInside() =>
        new("Run cannot be called while the loop is running, for example in a callback. Await the task, or use InvokeAsync.");

    internal static InvalidOperationException InvalidOperation_Stopped() =>
        new("The loop was stopped (Loop.Stop) before the function given to Run had ended. To end Run, let the function return: "
            + "cancel the token that it awaits with. The function continues when the loop runs again.");

    internal static InvalidOperationException InvalidOperation_NullTask() =>
        new("The asynchronous function returned null instead of a task.");

    [DoesNotReturn]
    internal static void Throw_AwaitedTwice() => throw new InvalidOperationException(
        "The result of this ValueTask cannot be read: it has been awaited already, or it has not ended. Await the result of a "
        + "call once, directly after the call. To await it several times, convert it with AsTask() first.");

    [DoesNotReturn]
    internal static void Throw_WrongThread(int runner) => throw new InvalidOperationException(string.Format(
        Culture,
        "The loop is in use on thread {0} and cannot be used on thread {1} at the same time. {2}",
        runner,
        Environment.CurrentManagedThreadId,
        FromOtherThreads));

    [DoesNotReturn]
    internal static void Throw_NotBegun() => throw new InvalidOperationException(string.Format(
        Culture,
        "The loop belongs to a LoopThread whose thread has not started yet. It cannot be used on thread {0}. {1}",
        Environment.CurrentManagedThreadId,
        FromOtherThreads));

    [DoesNotReturn]
    internal static void Throw_Rescheduling() => throw new InvalidOperationException(
        "A reschedule function must not change a watcher or a loop: libev is rearranging its watchers. Return the next time, and "
        + "make the change in the Scheduler's callback.");

    internal static InvalidOperationException InvalidOperation_ActiveOrPending(string watcher, string what) =>
        new(string.Format(Culture, "{0} of the {1} cannot change while the {1} is active or pending. Call Stop first.", what, watcher));

    internal static InvalidOperationException InvalidOperation_NoRepeat() =>
        new("The Timer does not repeat (Repeat is 0), so Reset has no interval to use. Call Restart to start it again, or Stop to stop it.");

    internal static InvalidOperationException InvalidOperation_Running() =>
        new("The loop to embed is running. Start the Embed outside the callbacks of that loop.");

    internal static InvalidOperationException InvalidOperation_NotSuspended() =>
        new("Resume was called without a Suspend before it. Every Suspend needs one Resume.");

    internal static InvalidOperationException InvalidOperation_Moving() =>
        new("MoveNextAsync was called before the previous MoveNextAsync completed. Await each one.");

    internal static InvalidOperationException InvalidOperation_NotReferenced() =>
        new("DecRef was called without an IncRef before it. Every IncRef needs one DecRef.");

    internal static InvalidOperationException InvalidOperation_Rescheduled(double value, double now) => new(string.Format(
        Culture,
        "The reschedule function returned {0}, which is NaN or earlier than the current time {1}. The Scheduler is stopped. "
        + "Return a time at or after the current time, or infinity for never.",
        value,
        now));

    internal static InvalidOperationException InvalidOperation_Rescheduled(DateTimeOffset value, DateTimeOffset now) => new(string.Format(
        Culture,
        "The reschedule function returned {0:O}, which is earlier than the current time {1:O}. The Scheduler is stopped. Return "
        + "a time at or after the current time, or null for never.",
        value,
        now));

    internal static InvalidOperationException InvalidOperation_TimeStandsStill(int rounds) => new(string.Format(
        Culture,
        "The ManualClock cannot advance: a timer was due again at the same time, {0} times in a row. A timer that is started "
        + "again in its own callback needs a time of more than 0 seconds.",
        rounds));

    // -- failures that libev or the kernel reports ------------------------------------------------------------------

    internal static EventException Event_Native(int error, string what) =>
        new(string.Format(Culture, "{0} (errno {1}: {2}).", what, error, Describe(error)), error);

    internal static EventException Event_NoDefaultLoop(int error) => new(
        "The default loop cannot be created: it needs SIGCHLD, and a Signal of another loop watches that signal. Stop that Signal first.", error);

    internal static EventException Event_NoBackend(Backends asked, Backends supported, Backends recommended)
    {
        Backends refused = (asked == Backends.Auto ? recommended : asked) & supported;
        string flags = Environment.GetEnvironmentVariable("LIBEV_FLAGS") is string value ? " (LIBEV_FLAGS=" + value + ")" : string.Empty;
        return refused == 0
            ? new(string.Format(
                Culture, "The library has no backend {0}{1} on this system. It has {2}.", asked, flags, supported))
            : new(string.Format(
                Culture,
                "The system refuses the backend {0}{1}: the kernel is too old, or its settings or limits forbid it. "
                + "Backends.Auto takes the best one that works.",
                refused,
                flags));
    }

    internal static EventException Event_SignalOwned(string signal, int error) => new(
        string.Format(
            Culture,
            "Signal {0} is watched by another loop, and only one loop at a time can watch a signal. Stop the other loop's Signal first.",
            signal),
        error);

    internal static EventException Event_SignalNotStarted(string signal, int error) => error switch
    {
        Native.EBUSY => Event_SignalOwned(signal, error),
        Native.EACCES => new(
            string.Format(
                Culture,
                "Signal {0} cannot arrive: every thread of the process blocks it. Start the process without it in its signal "
                + "mask, or unblock it in one thread.",
                signal),
            error),
        Native.ECHILD => new(
            "SIGCHLD was ignored when the process started, so the kernel does not report the end of this child. Start the "
            + "process with the default action for SIGCHLD.",
            error),
        _ => Event_Native(error, string.Format(Culture, "Signal {0} cannot be watched", signal)),
    };

    internal static EventException Event_NoRegistration(string signal, Exception inner) =>
        new(string.Format(Culture, "The runtime refused to register signal {0}: {1}", signal, inner.Message), inner);

    internal static EventException Event_NotDefault() =>
        new("A Child can be watched by the default loop only. Use Loop.Default. To wait for the end of a child on any loop, use "
            + "Loop.WaitForExitAsync.");

    internal static EventException Event_EmbedItself() => new("A loop cannot be embedded in itself. Give the Embed another loop.");

    internal static EventException Event_EmbedCycle() =>
        new("The loop to embed already embeds this loop, directly or through other loops.");

    internal static EventException Event_EmbedTwice() => new("The loop to embed is already embedded. Stop its other Embed first.");

    internal static EventException Event_EmbedBackend(Backends backend, Backends embeddable) => new(string.Format(
        Culture, "A loop with the backend {0} cannot be embedded. Create it with one of these: {1}.", backend, embeddable));

    internal static EventException Event_EmbedRefused(int error) => new(
        string.Format(
            Culture,
            "The kernel does not let this loop watch the other one (errno {0}: {1}).{2}",
            error,
            Describe(error),
            error == Native.ELOOP ? " Epoll instances nest a few levels deep only: embed fewer loops in each other." : string.Empty),
        error);

    internal static EventException Event_EmbedLost(Loop other, int error) => new(
        string.Format(
            Culture,
            "The embedded loop (backend {0}) cannot be watched any more: {1}. The Embed is stopped.",
            other.Backend,
            error == 0 ? "its file descriptor was closed" : string.Format(Culture, "errno {0}: {1}", error, Describe(error))),
        error);

    internal static EventException Event_ClosedFd(int fd, int error) => new(
        string.Format(
            Culture,
            "File descriptor {0} is closed (errno {1}: {2}), and its Io was stopped. Stop an Io before you close its file descriptor.",
            fd,
            error,
            Describe(error)),
        error);

    internal static EventException Event_LostFd(int fd) => new(
        string.Format(
            Culture,
            "File descriptor {0} is open, but it cannot be watched any more, and its Io was stopped. Its file was closed, and the number now belongs "
            + "to another file. Stop an Io before you close its file descriptor.",
            fd),
        Native.EBADF);

    internal static EventException Event_RefusedFd(int fd, int error) => new(
        string.Format(
            Culture,
            "The system refuses to watch file descriptor {0} (errno {1}: {2}), and its Io was stopped.{3}",
            fd,
            error,
            Describe(error),
            error == Native.ENOSPC ? " Raise the limit fs.epoll.max_user_watches, or watch fewer file descriptors." : string.Empty),
        error);

    internal static EventException Event_Error(string watcher, int revents) => new(string.Format(
        Culture, "libev stopped a {0} because of an error (revents 0x{1:X}).", watcher, revents));

    private static string NameOf(object instance) => instance is Loop loop ? loop.ObjectName : instance.GetType().FullName!;

    private static string Describe(int error) => Platform.Describe(error);
}
