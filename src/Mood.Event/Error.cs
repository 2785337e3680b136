using System;
using System.Globalization;
using System.IO;
using System.Runtime.InteropServices;

namespace Mood.Event;

/// <summary>Every exception of the library, made in one place: Error.Kind_Reason.</summary>
internal static class Error
{
    private const string WhereItBelongs =
        "Deploy both from one package, and where an assembly is loaded into an AssemblyLoadContext of its own, have that one load "
        + "its own native library (override LoadUnmanagedDll with an AssemblyDependencyResolver): what lies beside the application is found first.";

    private static CultureInfo Culture => CultureInfo.InvariantCulture;

    // -- arguments ----------------------------------------------------------------------------------------------------

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NotFinite(double value, string parameter) =>
        new(parameter, value, "A time must be a finite number of seconds.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Infinite(TimeSpan value, string parameter) =>
        new(parameter, value, "There is no infinite time here: what shall never end is not started.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Negative(double value, string parameter) =>
        new(parameter, value, "It must be a finite number of seconds, zero or more.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NotPositive(int value, string parameter) =>
        new(parameter, value, "It must be at least 1.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Interval(double value, string parameter) =>
        new(parameter, value, "An interval is zero (no repetition) or at least 1/8192 second: a clock since 1970 cannot tell shorter steps apart.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Offset(double value, string parameter) =>
        new(parameter, value, "The offset of a repeating periodic must lie within 1e12 seconds of the epoch.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Sleep(double value, string parameter) =>
        new(parameter, value, "It must be a number of seconds, at most 86400.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_NegativeFd(int fd, string parameter) =>
        new(parameter, fd, "A file descriptor is zero or more.");

    internal static ArgumentException Argument_ClosedFd(int fd, string parameter) =>
        new(string.Format(Culture, "File descriptor {0} is not open.", fd), parameter);

    internal static ArgumentException Argument_ClosedHandle(string parameter) =>
        new("The handle is closed or invalid.", parameter);

    internal static ArgumentException Argument_NoFd(string parameter) =>
        new("The handle does not hold a file descriptor.", parameter);

    internal static ArgumentException Argument_IoEvents(Events events, string parameter) =>
        new(string.Format(Culture, "Io watches Read, Write, both or None, not {0} (0x{1:X}).", events, (int)events), parameter);

    internal static ArgumentException Argument_BarrierSignal(int signum) =>
        new(string.Format(Culture, "Signal {0} is the library's own in this process, see Signum.SIGRTMAX.", signum));

    internal static ArgumentException Argument_WaitEvents(Events events, string parameter) =>
        new(string.Format(Culture, "One waits for Read, Write or both, not {0} (0x{1:X}).", events, (int)events), parameter);

    internal static ArgumentException Argument_UnknownBits(Enum value, string parameter) =>
        new(string.Format(Culture, "{0} holds bits that do not exist.", value), parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Enum(Enum value, string parameter) =>
        new(parameter, value, "There is no such value.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Signum(int signum, string parameter) =>
        new(parameter, signum, "There is no signal of this number.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_UnwatchableSignum(int signum, string parameter) =>
        new(parameter, signum, "This signal cannot be watched: it cannot be caught, or means a fault in a thread, or is the runtime's own.");

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Pid(int pid, string parameter) =>
        new(parameter, pid, "A pid is a positive number, or 0 for every child.");

    internal static ArgumentException Argument_HostName(string parameter) =>
        new("A host name has to be looked up first, which may take long. LoopStream.ConnectAsync does that.", parameter);

    internal static ArgumentException Argument_StreamSocket(string parameter) =>
        new("Only a connected stream socket can be used as a Stream.", parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Timeout(int milliseconds, string parameter) =>
        new(parameter, milliseconds, "A timeout is a positive number of milliseconds, or Timeout.Infinite.");

    internal static ArgumentException Argument_NotStarted(string parameter) =>
        new("The process was not started by this object, or was disposed.", parameter);

    internal static ArgumentException Argument_OtherClock(string parameter) =>
        new("The loop's time is not this clock's: make the loop with it.", parameter);

    internal static ArgumentOutOfRangeException ArgumentOutOfRange_Future(double value, string parameter) =>
        new(parameter, value, "A clock goes no further than DateTimeOffset does.");

    internal static ArgumentException Argument_Path(string parameter) =>
        new("A path is not empty and holds no NUL character.", parameter);

    // -- state --------------------------------------------------------------------------------------------------------

    internal static ObjectDisposedException ObjectDisposed(object instance) => new(instance.GetType().FullName);

#if NET8_0_OR_GREATER
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
#endif
    internal static void Throw_Disposed(object instance) => throw ObjectDisposed(instance);

    internal static ObjectDisposedException ObjectDisposed_Call(object instance) =>
        new(instance.GetType().FullName, "The loop was disposed before the call ended.");

    internal static ObjectDisposedException ObjectDisposed_Continuation(object instance) => new(
        instance.GetType().FullName,
        "The continuation of an await came when its loop was disposed, and was not called. Await what a loop runs before disposing it.");

    internal static ObjectDisposedException ObjectDisposed_Run(object instance) =>
        new(instance.GetType().FullName, "The loop was disposed before the task that Run waits for ended.");

    internal static InvalidOperationException InvalidOperation_RunInside() =>
        new("Run cannot be called in a callback of a Start: the loop runs already. Await the task, or use InvokeAsync.");

    internal static InvalidOperationException InvalidOperation_Stopped() =>
        new("The loop was stopped before the task that Run waits for ended.");

    internal static InvalidOperationException InvalidOperation_NullTask() =>
        new("The asynchronous function returned no task but null.");

#if NET8_0_OR_GREATER
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
#endif
    internal static void Throw_WrongThread(int runner) => throw new InvalidOperationException(string.Format(
        Culture,
        "The loop is running on thread {0} and cannot be used from thread {1}. Loop.Post, InvokeAsync and Stop, Async.Send and Ev.* are for that.",
        runner,
        Environment.CurrentManagedThreadId));

#if NET8_0_OR_GREATER
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
#endif
    internal static void Throw_NotBegun() => throw new InvalidOperationException(string.Format(
        Culture,
        "The loop is about to run on a thread of its own and cannot be used from thread {0}. Loop.Post, InvokeAsync and Stop, Async.Send and Ev.* are for that.",
        Environment.CurrentManagedThreadId));

#if NET8_0_OR_GREATER
    [System.Diagnostics.CodeAnalysis.DoesNotReturn]
#endif
    internal static void Throw_Rescheduling() => throw new InvalidOperationException(
        "A reschedule function computes a time; it must not change any watcher or loop.");

    internal static InvalidOperationException InvalidOperation_ActiveOrPending(string what) =>
        new(string.Format(Culture, "{0} cannot change while the watcher is active or pending: Stop it first.", what));

    internal static InvalidOperationException InvalidOperation_Running() =>
        new("A loop cannot be embedded while it runs: start the Embed outside its callbacks.");

    internal static InvalidOperationException InvalidOperation_Lent() =>
        new("Another thread has the Invoke that Loop.Callback may give away, until it returns.");

    internal static InvalidOperationException InvalidOperation_NotSuspended() =>
        new("Resume without Suspend.");

    internal static InvalidOperationException InvalidOperation_Moving() =>
        new("The last MoveNextAsync has not ended.");

    internal static InvalidOperationException InvalidOperation_StreamBusy(string what) => new(string.Format(
        Culture, "Another {0} of this stream is under way: there is one at a time.", what));

    internal static IOException IO_Connection(Exception inner) =>
        new(string.Format(Culture, "The connection cannot be read or written: {0}", inner.Message), inner);

    internal static InvalidOperationException InvalidOperation_NotReferenced() =>
        new("DecRef without IncRef.");

    internal static InvalidOperationException InvalidOperation_Rescheduled(double value, double now) => new(string.Format(
        Culture,
        "The reschedule function returned {0}, which is not a time at or after now ({1}). The scheduler is stopped.",
        value,
        now));

    internal static InvalidOperationException InvalidOperation_TimeStandsStill(int rounds) => new(string.Format(
        Culture,
        "Time cannot go on: a timer was due again at once, {0} times. Does it start itself with zero seconds?",
        rounds));

    // -- what only libev can refuse ------------------------------------------------------------------------------------

    internal static EventException Event_Native(int error, string what) =>
        new(string.Format(Culture, "{0} (errno {1}: {2}).", what, error, Describe(error)), error);

    internal static EventException Event_NoLoop(int error, bool isDefault, Backends asked) => error switch
    {
        Interop.Native.EBUSY when isDefault =>
            new EventException("The default loop needs SIGCHLD, which another loop's Signal watcher owns.", error),
        Interop.Native.NoBackend => Event_NoBackend(asked),
        _ => Event_Native(error, "No loop could be made"),
    };

    internal static EventException Event_NoBackend(Backends asked) => new(string.Format(
        Culture,
        "None of the backends asked for ({0}{1}) works here. Supported: {2}.",
        asked,
        Environment.GetEnvironmentVariable("LIBEV_FLAGS") is string flags ? ", LIBEV_FLAGS=" + flags : string.Empty,
        Ev.SupportedBackends));

    internal static EventException Event_SignalOwned(int signum) => new(
        string.Format(Culture, "Signal {0} is watched by another loop: a signal belongs to one loop at a time.", signum),
        Interop.Native.EBUSY);

    internal static EventException Event_NoRegistration(int signum, Exception inner) =>
        new(string.Format(Culture, "The runtime refuses to register signal {0}: {1}", signum, inner.Message), inner);

    internal static EventException Event_NotDefault() =>
        new("Child watchers work in the default loop only: Loop.Default.");

    internal static EventException Event_EmbedItself() => new("A loop cannot be embedded in itself.");

    internal static EventException Event_EmbedCycle() =>
        new("The loop to embed already embeds this one, directly or through others.");

    internal static EventException Event_EmbedTwice() => new("The loop is embedded elsewhere already.");

    internal static EventException Event_EmbedBackend(Backends backend) => new(string.Format(
        Culture, "A loop with the backend {0} cannot be embedded. These can: {1}.", backend, Ev.EmbeddableBackends));

    internal static EventException Event_ClosedFd(int fd, int error) => new(
        string.Format(
            Culture,
            "File descriptor {0} cannot be watched any more (errno {1}: {2}). Its Io was stopped; stop an Io before its fd is closed.",
            fd,
            error,
            Describe(error)),
        error);

    internal static EventException Event_Error(Watcher watcher, int revents) => new(string.Format(
        Culture, "libev stopped this {0} with an error (revents 0x{1:X}).", watcher.GetType().Name, revents));

    // -- the native library --------------------------------------------------------------------------------------------

    internal static PlatformNotSupportedException PlatformNotSupported_NoLibrary(Exception inner)
    {
        string name = RuntimeInformation.IsOSPlatform(OSPlatform.Windows) ? "mood_event.dll"
            : RuntimeInformation.IsOSPlatform(OSPlatform.OSX) ? "libmood_event.dylib"
            : "libmood_event.so";

        return new(
            string.Format(
                Culture,
                "Mood.Event has no native library for this system ({0}, {1}). Looked for {2} beside the application ({3}), under runtimes/<rid>/native there, and where the system keeps its libraries. {4}",
                RuntimeInformation.OSDescription,
                RuntimeInformation.ProcessArchitecture,
                name,
                AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar),
                inner.Message),
            inner);
    }

    internal static PlatformNotSupportedException PlatformNotSupported_OtherAbi(int abi) => new(string.Format(
        Culture,
        "The native library is of another version of Mood.Event: it speaks ABI {0}, this assembly ({1}) ABI {2}. {3}",
        abi,
        Ev.Version,
        Interop.Native.AbiVersion,
        WhereItBelongs));

    internal static PlatformNotSupportedException PlatformNotSupported_OtherVersion(string version) => new(string.Format(
        Culture,
        "The native library is of another version of Mood.Event: {0}, this assembly is {1}. {2}",
        version,
        Ev.Version,
        WhereItBelongs));

    internal static PlatformNotSupportedException PlatformNotSupported_OtherFramework() => new(
        "The native library is in use by a Mood.Event of another target framework in this process. " + WhereItBelongs);

    private static string Describe(int error) => new System.ComponentModel.Win32Exception(error).Message;
}
