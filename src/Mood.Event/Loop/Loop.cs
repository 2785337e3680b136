using System;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// An event loop: it waits for what its watchers watch and calls them, all on the one thread that is inside
/// <see cref="Start"/> (libev's ev_loop).
/// <para>
/// A loop may be used by one thread at a time. While it runs, every member used from another thread throws
/// <see cref="InvalidOperationException"/>, except <see cref="Stop"/>, <see cref="Post(Action)"/> and InvokeAsync,
/// <see cref="Async.Send"/>, <see cref="Async.Sent"/> and, while the loop is inside <see cref="Callback"/>,
/// <see cref="Invoke"/>.
/// </para>
/// </summary>
public sealed partial class Loop : IDisposable
{
    // Longer than this, libev's milliseconds overflow and it would wait for ever. Eleven days are as good.
    private const double MaxTimeoutInterval = 1e6;

    private static readonly object s_defaultGate = new();
    private static Loop? s_default;

    private readonly nint _native;
    private readonly PendingQueue _pending;
    private Action<Loop>? _callback;
    private double _ioInterval, _timeoutInterval;
    private int _references, _suspensions;

    /// <summary>Makes a loop.</summary>
    /// <param name="flags">How it is made.</param>
    /// <param name="backends">What it may wait with; Auto: the best recommended one. Others are used if they work here:
    /// the loop never falls back to one that was not asked for.</param>
    /// <param name="callback">For <see cref="Callback"/>.</param>
    /// <param name="data">For <see cref="Data"/>.</param>
    /// <param name="ioInterval">For <see cref="IoInterval"/>, seconds.</param>
    /// <param name="timeoutInterval">For <see cref="TimeoutInterval"/>, seconds.</param>
    /// <param name="clock">The loop's time, for tests; null: the system's.</param>
    /// <exception cref="ArgumentException"><paramref name="flags"/> or <paramref name="backends"/> hold unknown bits.</exception>
    /// <exception cref="ArgumentOutOfRangeException">An interval is negative, NaN or infinite.</exception>
    /// <exception cref="EventException">No backend asked for works here, or the system refuses a file descriptor
    /// (<see cref="EventException.NativeErrorCode"/>).</exception>
    /// <exception cref="InvalidOperationException">A reschedule function called it.</exception>
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
    public Loop(
        LoopFlags flags,
        Backends backends,
        Action<Loop>? callback,
        object? data,
        TimeSpan ioInterval,
        TimeSpan timeoutInterval,
        ManualClock? clock = null)
        : this(flags, backends, callback, data, ioInterval.TotalSeconds, timeoutInterval.TotalSeconds, clock)
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
            throw Error.Event_NoBackend(backends);
        }

        LiveOn(clock);
        Callback = callback;
        Data = data;
        IoInterval = ioInterval;
        TimeoutInterval = timeoutInterval;
    }

    /// <summary>
    /// The process's default loop, made on first use and again after Dispose: the only loop for <see cref="Mood.Event.Child"/>
    /// watchers. One thread at a time, like any other.
    /// </summary>
    /// <exception cref="EventException">It cannot be made; see the constructor. Also when another loop watches SIGCHLD.</exception>
    /// <exception cref="PlatformNotSupportedException">There is no native library for this system.</exception>
    public static Loop Default => GetDefault();

    /// <summary>Whether this is the default loop.</summary>
    public bool IsDefault { get; }

    /// <summary>Anything the program wants to find again.</summary>
    public object? Data { get; set; }

    /// <summary>The backend this loop waits with (ev_backend). libev leaves LinuxAio for Epoll where the kernel's limits
    /// leave it no choice.</summary>
    public Backends Backend { get; private set; }

    /// <summary>
    /// Replaces "invoke all pending watchers" (ev_set_invoke_pending_cb): called whenever the loop would call callbacks,
    /// and should call <see cref="Invoke"/>. It may hand that to another thread and wait for it. An exception in it
    /// stops the loop. Null: the loop invokes by itself. Call Invoke also while <see cref="Pending"/> is 0: libev has events
    /// of its own, which carry signals, Sends and Stops.
    /// </summary>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public Action<Loop>? Callback
    {
        get => _callback;
        set
        {
            using Claim claim = Change();
            _callback = value;
            _pending.Always = value is not null;
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// Seconds the loop spends, if need be, collecting io events before it calls for them (ev_set_io_collect_interval):
    /// fewer iterations for more latency. It sleeps for that time, whatever signals or Sends come. 0 at first.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double IoInterval
    {
        get => _ioInterval;
        set
        {
            using Claim claim = Change();
            _ioInterval = Validate.NotNegative(value, nameof(value));
            Native.mood_loop_io_interval(_native, value);
            GC.KeepAlive(this);
        }
    }

    /// <summary>
    /// Seconds that timers may be late, if need be, so that several expire in one iteration
    /// (ev_set_timeout_collect_interval). 0 at first.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    /// <exception cref="ObjectDisposedException">Set after Dispose.</exception>
    public double TimeoutInterval
    {
        get => _timeoutInterval;
        set
        {
            using Claim claim = Change();
            _timeoutInterval = Validate.NotNegative(value, nameof(value));
            Native.mood_loop_timeout_interval(_native, Math.Min(value, MaxTimeoutInterval));
            GC.KeepAlive(this);
        }
    }

    /// <summary>How many times the loop has waited (ev_iteration). 0 once disposed.</summary>
    public uint Iteration
    {
        get
        {
            using Claim claim = Read();
            return IsClosed ? 0 : Native.mood_loop_iteration(_native);
        }
    }

    /// <summary>How many Starts are on the stack (ev_depth): 0 outside, 1 in a callback, more in nested Starts.</summary>
    public uint Depth
    {
        get
        {
            using Claim claim = Read();
            return IsClosed ? 0 : Native.mood_loop_depth(_native);
        }
    }

    /// <summary>How many watchers are pending (ev_pending_count, without those whose event was cleared).</summary>
    public int Pending
    {
        get
        {
            using Claim claim = Read();
            return IsClosed ? 0 : Native.mood_loop_pending(_native);
        }
    }

    internal LoopHandle Handle { get; }

    /// <summary>Whether native code that needs the native loop is on some stack.</summary>
    internal bool IsRunning => _depth > 0;

    /// <summary>Whether the native loop is gone. Watchers can still be stopped while it is only about to go.</summary>
    internal bool IsClosed { get; private set; }

    /// <summary>What the loop keeps alive.</summary>
    internal WatcherTable Watchers { get; } = new();

    /// <summary>The active Embed, in another loop, that runs this one.</summary>
    internal Embed? Embedder { get; set; }

    /// <summary>The default loop. The parameters are used when it has to be made, and ignored, as libev does, when it
    /// exists.</summary>
    /// <param name="flags">How it is made.</param>
    /// <param name="backends">What it may wait with.</param>
    /// <param name="callback">For <see cref="Callback"/>.</param>
    /// <param name="data">For <see cref="Data"/>.</param>
    /// <param name="ioInterval">For <see cref="IoInterval"/>, seconds.</param>
    /// <param name="timeoutInterval">For <see cref="TimeoutInterval"/>, seconds.</param>
    /// <param name="clock">The loop's time, for tests; null: the system's.</param>
    /// <returns>The one default loop.</returns>
    /// <exception cref="ArgumentException">As in the constructor, when it has to be made.</exception>
    /// <exception cref="EventException">It cannot be made.</exception>
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
        lock (s_defaultGate)
        {
            return s_default ??= new Loop(isDefault: true, flags, backends, callback, data, ioInterval, timeoutInterval, clock);
        }
    }

    /// <inheritdoc cref="GetDefault(LoopFlags, Backends, Action{Loop}, object, double, double, ManualClock)"/>
    public static Loop GetDefault(
        LoopFlags flags,
        Backends backends,
        Action<Loop>? callback,
        object? data,
        TimeSpan ioInterval,
        TimeSpan timeoutInterval,
        ManualClock? clock = null) =>
        GetDefault(flags, backends, callback, data, ioInterval.TotalSeconds, timeoutInterval.TotalSeconds, clock);

    // LIBEV_FLAGS is the user's word against the program's
    private static bool IsOverridden(LoopFlags flags) =>
        (flags & LoopFlags.NoEnv) == 0 && Environment.GetEnvironmentVariable("LIBEV_FLAGS") is not null;
}
