using System;

namespace Mood.Event;

/// <summary>
/// An event loop (libev's ev_loop). It waits for the events of its watchers and calls their callbacks, all on the one thread that
/// is inside <see cref="Start"/>.
/// </summary>
/// <remarks>
/// A loop may be used by one thread at a time. While it runs, every member used from another thread throws
/// <see cref="InvalidOperationException"/>. The exceptions are the members that are documented for any thread, such as
/// <see cref="Stop"/>, <see cref="Post(Action)"/>, InvokeAsync and <see cref="Async.Send"/>, and <see cref="Invoke"/> while the
/// loop is inside <see cref="Callback"/>.
/// </remarks>
public sealed partial class Loop : IDisposable
{
    // A longer interval would overflow libev's time in milliseconds, and libev would wait for ever.
    private const double MaxTimeoutInterval = 1e6;

    /// <summary>Creates a loop without watchers (ev_loop_new). It does not run until <see cref="Start"/>.</summary>
    /// <param name="flags">Options of libev. The default is <see cref="LoopFlags.Auto"/>, which sets no option.</param>
    /// <param name="backends">The backends that the loop may use. The default, <see cref="Backends.Auto"/>, is the best of
    /// <see cref="Ev.RecommendedBackends"/>. The loop never uses a backend that is not named here.</param>
    /// <param name="callback">The initial value of <see cref="Callback"/>.</param>
    /// <param name="data">The initial value of <see cref="Data"/>.</param>
    /// <param name="ioInterval">The initial value of <see cref="IoInterval"/>, in seconds.</param>
    /// <param name="timeoutInterval">The initial value of <see cref="TimeoutInterval"/>, in seconds.</param>
    /// <param name="clock">The clock that the loop takes its time from, for tests. Null means the system's clock.</param>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> contain unknown
    /// bits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An interval is negative, NaN or infinite.</exception>
    /// <exception cref="EventException">None of the backends works on this system, or the system refuses a file descriptor
    /// (<see cref="EventException.NativeErrorCode"/>).</exception>
    /// <exception cref="InvalidOperationException">A reschedule function called the constructor.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public Loop(
        LoopFlags flags = LoopFlags.Auto,
        Backends backends = Backends.Auto,
        Action<Loop>? callback = null,
        object? data = null,
        double ioInterval = 0.0,
        double timeoutInterval = 0.0,
        ManualClock? clock = null)
        : this(isDefault: false, flags, backends, callback, data, ioInterval, timeoutInterval, clock)
    {
    }

    /// <inheritdoc cref="Loop(LoopFlags, Backends, Action{Loop}, object, double, double, ManualClock)"/>
    /// <param name="flags">Options of libev. <see cref="LoopFlags.Auto"/> sets no option.</param>
    /// <param name="backends">The backends that the loop may use. <see cref="Backends.Auto"/> is the best of
    /// <see cref="Ev.RecommendedBackends"/>. The loop never uses a backend that is not named here.</param>
    /// <param name="callback">The initial value of <see cref="Callback"/>.</param>
    /// <param name="data">The initial value of <see cref="Data"/>.</param>
    /// <param name="ioInterval">The initial value of <see cref="IoInterval"/>, as a time span.</param>
    /// <param name="timeoutInterval">The initial value of <see cref="TimeoutInterval"/>, as a time span.</param>
    /// <param name="clock">The clock that the loop takes its time from, for tests. Null means the system's clock.</param>
    /// <exception cref="ArgumentOutOfRangeException">An interval is negative.</exception>
    public Loop(
        LoopFlags flags,
        Backends backends,
        Action<Loop>? callback,
        object? data,
        TimeSpan ioInterval,
        TimeSpan timeoutInterval,
        ManualClock? clock = null)
        : this(
            flags,
            backends,
            callback,
            data,
            Validate.Time(ioInterval, nameof(ioInterval)),
            Validate.Time(timeoutInterval, nameof(timeoutInterval)),
            clock)
    {
    }

    private Loop(
        bool isDefault,
        LoopFlags flags,
        Backends backends,
        Action<Loop>? callback,
        object? data,
        double ioInterval,
        double timeoutInterval,
        ManualClock? clock)
    {
        Validate.Flags(flags, nameof(flags));
        Validate.Backends(backends, nameof(backends));
        Validate.NotNegative(ioInterval, nameof(ioInterval));
        Validate.NotNegative(timeoutInterval, nameof(timeoutInterval));

        if (IsRescheduling)
        {
            Error.Throw_Rescheduling();
        }

        Library.Initialize();

        IsDefault = isDefault;
        Handle = new LoopHandle((uint)flags | (uint)backends, isDefault, this);
        _native = Handle.Pointer;
        _pending = new PendingQueue(_native, Watchers);
        Backend = (Backends)Native.mood_loop_backend(_native);

        if (backends != Backends.Auto && (Backend & backends) == 0 && !IsOverridden(flags))
        {
            CloseHandle();
            throw Error.Event_NoBackend(backends, Ev.SupportedBackends, Ev.RecommendedBackends);
        }

        LiveOn(clock);
        Callback = callback;
        Data = data;
        IoInterval = ioInterval;
        TimeoutInterval = timeoutInterval;
        BeSeenByTelemetry();
    }

    /// <summary>
    /// The process's default loop (ev_default_loop). It is created on first use, and created again on the first use after its
    /// Dispose. Only the default loop can have <see cref="Mood.Event.Child"/> watchers. It may be used by one thread at a time,
    /// like any other loop.
    /// </summary>
    /// <exception cref="EventException">The loop cannot be created (see the constructor), or another loop watches
    /// SIGCHLD.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Loop Default => GetDefault();

    /// <summary>Whether this is the process's default loop (ev_is_default_loop). Any thread.</summary>
    public bool IsDefault { get; }

    /// <summary>An object of the program's choice. The library does not use it. Null at first.</summary>
    public object? Data { get; set; }

    /// <summary>The backend of this loop (ev_backend). It changes in two cases: libev replaces LinuxAio by Epoll if the kernel's
    /// limits do not allow LinuxAio, and IoUring by Epoll if its completion queue overflows at the largest size.</summary>
    public Backends Backend { get; private set; }

    /// <summary>
    /// The loop calls this callback instead of its pending watchers (ev_set_invoke_pending_cb). The callback should call
    /// <see cref="Invoke"/>, which calls them. If it is null, the default, the loop calls the watchers itself.
    /// </summary>
    /// <remarks>
    /// The callback may let another thread call <see cref="Invoke"/>, and wait for that thread. From the moment at which that thread may call
    /// Invoke until Invoke has returned, the callback must not use the loop or its watchers. Call Invoke even while
    /// <see cref="Pending"/> is 0. Signals, Sends and Stops arrive as internal events of libev, which Pending does not count. An
    /// exception in the callback stops the loop and leaves <see cref="Start"/>. Events that the callback leaves stay pending until a
    /// later Invoke. They do not keep the loop from waiting, except a Send, a signal or an fd that stays ready: then the loop calls the
    /// callback again and again.
    /// </remarks>
    /// <exception cref="InvalidOperationException">A reschedule function sets it, or the loop runs on another thread.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public Action<Loop>? Callback
    {
        get => _callback;
        set
        {
            using Claim claim = ClaimToChange();
            _callback = value;
            _pending.Always = value is not null;
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// How long the loop may collect io events before it calls their watchers, in seconds (ev_set_io_collect_interval). A longer
    /// interval means fewer iterations and more latency. The loop sleeps for that time, and neither a signal nor a Send wakes it.
    /// The default is 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double IoInterval
    {
        get => _ioInterval;
        set
        {
            using Claim claim = ClaimToChange();
            _ioInterval = Validate.NotNegative(value, nameof(value));
            Native.mood_loop_io_interval(_native, value);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// The longest delay of timers, in seconds. The loop uses it to let several timers expire in one iteration
    /// (ev_set_timeout_collect_interval). The default is 0.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double TimeoutInterval
    {
        get => _timeoutInterval;
        set
        {
            using Claim claim = ClaimToChange();
            _timeoutInterval = Validate.NotNegative(value, nameof(value));
            Native.mood_loop_timeout_interval(_native, Math.Min(value, MaxTimeoutInterval));
            GC.KeepAlive(this);
        }
    }

    /// <summary>The number of times that the loop has waited for events (ev_iteration). 0 on a disposed loop.</summary>
    public uint Iteration
    {
        get
        {
            using Claim claim = ClaimToRead();
            return IsClosed ? 0 : Native.mood_loop_iteration(_native);
        }
    }

    /// <summary>The number of Starts on the stack (ev_depth): 0 outside Start, 1 in a callback, more in nested Starts.</summary>
    public uint Depth
    {
        get
        {
            using Claim claim = ClaimToRead();
            return IsClosed ? 0 : Native.mood_loop_depth(_native);
        }
    }

    /// <summary>The number of pending watchers (ev_pending_count). A watcher whose event was cleared is not counted.</summary>
    public int Pending
    {
        get
        {
            using Claim claim = ClaimToRead();
            return IsClosed ? 0 : Native.mood_loop_pending(_native);
        }
    }

    /// <summary>Whether a Start or an Invoke is on the stack of a thread.</summary>
    internal bool IsRunning => _depth > 0;

    /// <summary>Returns the default loop, and creates it if it does not exist (ev_default_loop). The parameters are those of the
    /// constructor. If the default loop exists, they are ignored, as in libev.</summary>
    /// <param name="flags">Options of libev.</param>
    /// <param name="backends">The backends that the loop may use.</param>
    /// <param name="callback">The initial value of <see cref="Callback"/>.</param>
    /// <param name="data">The initial value of <see cref="Data"/>.</param>
    /// <param name="ioInterval">The initial value of <see cref="IoInterval"/>, in seconds.</param>
    /// <param name="timeoutInterval">The initial value of <see cref="TimeoutInterval"/>, in seconds.</param>
    /// <param name="clock">The clock that the loop takes its time from, for tests. Null means the system's clock.</param>
    /// <returns>The default loop.</returns>
    /// <exception cref="ArgumentException">The default loop does not exist yet, and an argument is invalid: see the
    /// constructor.</exception>
    /// <exception cref="EventException">The loop cannot be created (see the constructor), or another loop watches
    /// SIGCHLD.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Loop GetDefault(
        LoopFlags flags = LoopFlags.Auto,
        Backends backends = Backends.Auto,
        Action<Loop>? callback = null,
        object? data = null,
        double ioInterval = 0.0,
        double timeoutInterval = 0.0,
        ManualClock? clock = null)
    {
        using (DefaultGate.Enter())
        {
            return s_default ??= new Loop(isDefault: true, flags, backends, callback, data, ioInterval, timeoutInterval, clock);
        }
    }

    /// <inheritdoc cref="GetDefault(LoopFlags, Backends, Action{Loop}, object, double, double, ManualClock)"/>
    /// <param name="flags">Options of libev.</param>
    /// <param name="backends">The backends that the loop may use.</param>
    /// <param name="callback">The initial value of <see cref="Callback"/>.</param>
    /// <param name="data">The initial value of <see cref="Data"/>.</param>
    /// <param name="ioInterval">The initial value of <see cref="IoInterval"/>, as a time span.</param>
    /// <param name="timeoutInterval">The initial value of <see cref="TimeoutInterval"/>, as a time span.</param>
    /// <param name="clock">The clock that the loop takes its time from, for tests. Null means the system's clock.</param>
    public static Loop GetDefault(
        LoopFlags flags,
        Backends backends,
        Action<Loop>? callback,
        object? data,
        TimeSpan ioInterval,
        TimeSpan timeoutInterval,
        ManualClock? clock = null) =>
        GetDefault(
            flags,
            backends,
            callback,
            data,
            Validate.Time(ioInterval, nameof(ioInterval)),
            Validate.Time(timeoutInterval, nameof(timeoutInterval)),
            clock);

    // The environment variable replaces the flags and backends of the program. Then the loop may have any backend.
    private static bool IsOverridden(LoopFlags flags) =>
        (flags & LoopFlags.NoEnv) == 0 && Environment.GetEnvironmentVariable("LIBEV_FLAGS") is not null;
}
