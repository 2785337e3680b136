using System;
using System.Runtime.ExceptionServices;
using System.Threading;

namespace Mood.Event;

/// <content>
/// The loop's state, and for each field the threads that use it. The owner is the thread that has claimed the loop: see
/// LoopOwnership. Only the owner reads and writes a field whose comment names no other thread.
/// </content>
public sealed partial class Loop
{
    // The default loop. Null if none exists: none was made yet, or the last one was disposed. Used under DefaultGate.
    private static Loop? s_default;

    // The mood_loop. Set by the constructor. Not to be used once IsClosed.
    private readonly nint _native;

    // The native queue of pending events, walked by the owner. Set by the constructor.
    private readonly PendingQueue _pending;

    // Items from any thread, under the queue's own gate.
    private readonly PostQueue _posts = new();

    // Writes exceptions to standard error when CallbackException has no handler. Any thread, inside a gate of its own.
    private readonly StandardErrorReport _report = new();

    // Which thread owns the loop. Not readonly, because its methods change the struct. Any thread calls them.
    private LoopOwnership _ownership = new(Thread.CurrentThread);

    // The requested Stops. Not readonly, because its methods change the struct. Any thread adds a request; the owner takes it.
    private StopRequests _stops = new();

    // The number of Starts and Invokes on the stack. Their native frames need the native loop, so Dispose is deferred until it
    // is 0. Start and Invoke count it up and down.
    private int _depth;

    // The number of Starts on the stack, without the Invokes. Start counts it up and down. MayWait reads it on any thread.
    private int _starts;

    // While the loop is lent: the loop whose Callback is on the stack, which is this one or one that is embedded in it. Another thread may only
    // call the Invoke of that loop. Set and restored by the thread that calls Callback. Any thread that calls Invoke reads it.
    private volatile Loop? _lentFor;

    // True once Dispose has begun, or was called in a callback, so that the outermost Start or Invoke will end the loop. Set by
    // Dispose, never cleared. Any thread reads it, by IsEnding.
    private bool _closing;

    // The exception that ends every nested Start, or null. Set by Fail, cleared when it has left the outermost Start, Invoke or
    // Dispose.
    private ExceptionDispatchInfo? _failure;

    // The task of the innermost Run, or null. Set and restored by Run.
    private MainTask? _main;

    // The number of IncRefs without a DecRef.
    private int _references;

    // The number of Suspends without a Resume.
    private int _suspensions;

    // The values of the properties with these names.
    private Action<Loop>? _callback;
    private double _ioInterval, _timeoutInterval;

    // Made on first use by any thread, by compare-and-swap; never replaced.
    private LoopSynchronizationContext? _context;
    private LoopTaskScheduler? _scheduler;

    /// <summary>The owner of the native loop's memory. Any thread may call its Wake.</summary>
    internal LoopHandle Handle { get; }

    /// <summary>Whether the native loop is closed. Until then, even during Dispose, watchers can be stopped. Set once, by the
    /// owner, near the end of Dispose; any thread reads it.</summary>
    internal bool IsClosed { get; private set; }

    /// <summary>Whether a Run with a token has returned before all functions had ended, and has written their names to standard error.
    /// The next Start clears it. While it is true, continuations that come after Dispose are not reported. The loop's thread sets and
    /// clears it; any thread reads it when the loop is closed.</summary>
    internal bool HasReportedUnfinished { get; set; }

    /// <summary>The active and pending watchers: the loop keeps them alive.</summary>
    internal WatcherTable Watchers { get; } = new();

    /// <summary>The calls of InvokeAsync that have not ended. Any thread, under a gate of its own.</summary>
    internal AsyncCalls Calls { get; } = new();

    /// <summary>The active Embed of another loop that runs this one, or null. Written by the thread that owns both loops; any
    /// thread reads it to find the owner, and looks again when it has claimed the loop.</summary>
    internal Embed? Embedder { get; set; }

    /// <summary>The loop's time, or null for the system's. Set by the constructor.</summary>
    internal ManualClock? Clock { get; private set; }

    /// <summary>Held while the default loop is made, and while its native loop is closed.</summary>
    internal static Gate DefaultGate { get; } = new();
}
