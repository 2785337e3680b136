using System;

namespace Mood.Event;

/// <summary>
/// The options of a new loop, for <see cref="Loop(LoopOptions)"/>, <see cref="LoopThread(LoopOptions)"/> and
/// <see cref="LoopGroup(int, LoopOptions)"/>. The constructor copies the values: later changes have no effect on the loop.
/// </summary>
/// <remarks>The object is not thread-safe. The same object may be used to create several loops, one after the other.</remarks>
public sealed class LoopOptions
{
    private double _ioInterval, _timeoutInterval;
    private TimeSpan _slowCallback, _blocked;
    private TimeSpan? _disposeTimeout;

    /// <summary>Creates options with the default values.</summary>
    public LoopOptions()
    {
    }

    /// <summary>The name of the loop. It appears in descriptions of the loop, thread names and the tag of metrics. The default,
    /// null, means no name. The loops of a <see cref="LoopGroup"/> append their number.</summary>
    public string? Name { get; set; }

    /// <summary>Options of libev. The default is <see cref="LoopFlags.Auto"/>, which sets no option.</summary>
    public LoopFlags Flags { get; set; }

    /// <summary>The backends that the loop may use. The default, <see cref="Backends.Auto"/>, is the best of
    /// <see cref="Ev.RecommendedBackends"/>.</summary>
    public Backends Backends { get; set; }

    /// <summary>The initial value of <see cref="Loop.Callback"/>. The default is null.</summary>
    public Action<Loop>? Callback { get; set; }

    /// <summary>The initial value of <see cref="Loop.Data"/>. The default is null.</summary>
    public object? Data { get; set; }

    /// <summary>The initial value of <see cref="Loop.IoInterval"/>, in seconds. The default is 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    public double IoInterval
    {
        get => _ioInterval;
        set => _ioInterval = Validate.NotNegative(value, nameof(value));
    }

    /// <summary>The initial value of <see cref="Loop.TimeoutInterval"/>, in seconds. The default is 0.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, NaN or an infinity.</exception>
    public double TimeoutInterval
    {
        get => _timeoutInterval;
        set => _timeoutInterval = Validate.NotNegative(value, nameof(value));
    }

    /// <summary>The clock that the loop takes its time from, for tests. Null, the default, is the system's clock.</summary>
    public ManualClock? Clock { get; set; }

    /// <summary>A handler of <see cref="Loop.CallbackException"/>, attached before the loop can call a callback. The default is
    /// null.</summary>
    public EventHandler<CallbackExceptionEventArgs>? CallbackException { get; set; }

    /// <summary>The time above which a callback raises <see cref="Loop.SlowCallback"/>. The default, <see cref="TimeSpan.Zero"/>,
    /// switches the event off.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, such as
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan SlowCallback
    {
        get => _slowCallback;
        set => _slowCallback = NotNegative(value);
    }

    /// <summary>The time after which a callback that still runs raises <see cref="Loop.Blocked"/>. One watchdog thread of the
    /// process serves all loops with this option. The default, <see cref="TimeSpan.Zero"/>, switches the event off. Times under
    /// 10 ms count as 10 ms.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, such as
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan Blocked
    {
        get => _blocked;
        set => _blocked = NotNegative(value);
    }

    /// <summary>Whether a <see cref="LoopThread"/> sets <see cref="Loop.SynchronizationContext"/> on its thread. The default is
    /// true. With false, <see cref="System.Threading.SynchronizationContext.Current"/> is null in callbacks there. The
    /// constructor <see cref="Loop(LoopOptions)"/> ignores this option.</summary>
    public bool UseSynchronizationContext { get; set; } = true;

    /// <summary>How long Dispose and DisposeAsync of a <see cref="LoopThread"/> wait for its thread, and those of a
    /// <see cref="LoopGroup"/> for each of its threads. The default, null, is no limit. The constructor
    /// <see cref="Loop(LoopOptions)"/> ignores this option.</summary>
    /// <remarks>With a value, the Dispose methods return after that time even if a callback still runs. The thread then ends when
    /// the callback returns. With a value, another thread may also call <see cref="Loop.Dispose"/> of the
    /// <see cref="LoopThread.Loop"/>. The call does not throw: it does the same as <see cref="LoopThread.Dispose"/>. This is for
    /// dependency injection containers, which dispose their objects in an order that the program does not control.</remarks>
    /// <exception cref="ArgumentOutOfRangeException">Set to a negative time, such as
    /// <see cref="System.Threading.Timeout.InfiniteTimeSpan"/>.</exception>
    public TimeSpan? DisposeTimeout
    {
        get => _disposeTimeout;
        set => _disposeTimeout = value is TimeSpan time ? NotNegative(time) : null;
    }

    internal LoopOptions WithName(string name)
    {
        var copy = (LoopOptions)MemberwiseClone();
        copy.Name = name;
        return copy;
    }

    private static TimeSpan NotNegative(TimeSpan value)
    {
        Validate.NotNegative(Validate.Time(value, nameof(value)), nameof(value));
        return value;
    }
}
