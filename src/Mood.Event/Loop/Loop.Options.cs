using System;
using System.Runtime.CompilerServices;

namespace Mood.Event;

/// <content>Options, and the name.</content>
public sealed partial class Loop
{
    /// <inheritdoc cref="Loop(LoopFlags, Backends, Action{Loop}, object, double, double, ManualClock)"/>
    /// <summary>Creates a loop with options and without watchers (ev_loop_new). It does not run until
    /// <see cref="Start"/>.</summary>
    /// <param name="options">The options. The constructor copies them.</param>
    /// <exception cref="ArgumentNullException"><paramref name="options"/> is null.</exception>
    /// <exception cref="ArgumentException"><see cref="LoopOptions.Flags"/> or <see cref="LoopOptions.Backends"/> contain unknown
    /// bits.</exception>
    /// <exception cref="InvalidOperationException">The thread for <see cref="LoopOptions.Blocked"/> cannot be started.</exception>
    [OverloadResolutionPriority(-1)]
    public Loop(LoopOptions options)
        : this(
            isDefault: false,
            Validate.NotNull(options, nameof(options)).Flags,
            options.Backends,
            options.Callback,
            options.Data,
            options.IoInterval,
            options.TimeoutInterval,
            options.Clock)
    {
        Name = options.Name;
        CallbackException = options.CallbackException;

        if (options.SlowCallback > TimeSpan.Zero || options.Blocked > TimeSpan.Zero)
        {
            CallbackGauge gauge = Measure(options.SlowCallback, options.Blocked);

            if (gauge.Blocked > 0)
            {
                try
                {
                    Watchdog.Add(gauge);
                }
                catch
                {
                    CloseHandle();
                    throw;
                }
            }
        }
    }

    /// <summary>The name of the loop (<see cref="LoopOptions.Name"/>), or null. Any thread.</summary>
    public string? Name { get; internal set; }

    /// <summary>The loop's LoopThread, if a Dispose of the loop on another thread must end it
    /// (<see cref="LoopOptions.DisposeTimeout"/>), otherwise null. Set before that thread starts, then read by any thread.</summary>
    internal LoopThread? DisposedBy { get; set; }

    /// <summary>Whether the calling thread runs this loop: the thread is inside <see cref="Start"/>, a Run, or a callback. Any
    /// thread.</summary>
    public bool IsLoopThread => IsInside;

    /// <summary>
    /// Raised when a callback has taken longer than <see cref="LoopOptions.SlowCallback"/>. The handler is called on the loop's
    /// thread, after the callback. An exception in the handler stops the loop, as in <see cref="CallbackException"/>.
    /// </summary>
    public event EventHandler<SlowCallbackEventArgs>? SlowCallback;

    /// <summary>
    /// Raised while a callback blocks the loop for longer than <see cref="LoopOptions.Blocked"/>, once per callback. The handler
    /// is called on a thread of the library, while the callback still runs. Without a handler, a line is written to standard
    /// error. An exception in the handler is written there too.
    /// </summary>
    public event EventHandler<SlowCallbackEventArgs>? Blocked;

    /// <summary>Raises SlowCallback, on the loop's thread. An exception of the handler stops the loop. Throws nothing.</summary>
    internal void OnSlow(SlowCallbackEventArgs e)
    {
        TraceSlow(e);

        try
        {
            SlowCallback?.Invoke(this, e);
        }
#pragma warning disable CA1031 // any exception: none may cross the native frames below
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Fail(exception);
        }
    }

    /// <summary>Raises Blocked, on the watchdog's thread. Throws nothing.</summary>
    internal void OnBlocked(SlowCallbackEventArgs e)
    {
        TraceBlocked(e);

        try
        {
            EventHandler<SlowCallbackEventArgs>? handler = Blocked;

            if (handler is null)
            {
                Write($"{Name ?? "a loop"} is blocked: {e.Method} has run for {e.Duration.TotalSeconds:0.###} s");
            }
            else
            {
                handler(this, e);
            }
        }
#pragma warning disable CA1031 // any exception: it must not end the process
        catch (Exception exception)
#pragma warning restore CA1031
        {
            Write($"unhandled exception in a handler of Blocked: {Description.TextOf(exception)}");
        }
    }
}
