using System;
using Mood.Event.Handles;
using Mood.Event.Interop;

namespace Mood.Event;

/// <summary>
/// Called when the process gets a signal (ev_signal). While any is active, the signal's default action does not happen;
/// other handlers in the process (PosixSignalRegistration, Console.CancelKeyPress, the generic host) go on working.
/// Signals that come faster than they are handled are one event. A signal belongs to one loop at a time.
/// <para>SIGPIPE is ignored by .NET and does not arrive.</para>
/// </summary>
public sealed class Signal : Watcher<Signal>
{
    private int _held;

    /// <summary>Makes a signal watcher; it is not started.</summary>
    /// <param name="loop">The loop it belongs to.</param>
    /// <param name="signum">The signal's number on this platform: <see cref="Event.Signum"/>.</param>
    /// <param name="callback">Called when the signal came.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no such signal, or it cannot be watched: KILL, STOP, SEGV,
    /// BUS, FPE, ILL, TRAP, ABRT, and those below SIGRTMIN + 1 that the C library and the runtime use.</exception>
    /// <exception cref="ArgumentNullException"><paramref name="loop"/> or <paramref name="callback"/> is null.</exception>
    /// <exception cref="ObjectDisposedException">The loop is disposed.</exception>
    /// <exception cref="InvalidOperationException">The loop runs on another thread.</exception>
    public Signal(Loop loop, int signum, Action<Signal, Events> callback, object? data = null, int priority = 0)
        : base(loop, callback, data)
    {
        Signum = Validate.WatchableSignum(signum, nameof(signum));
        Create(Native.Kind.Signal, priority);
        Native.mood_signal_set(Memory, signum);
        GC.KeepAlive(this);
    }

#if NET8_0_OR_GREATER
    /// <inheritdoc cref="Signal(Loop, int, Action{Signal, Events}, object, int)"/>
    /// <param name="signal">The signal.</param>
    public Signal(
        Loop loop,
        System.Runtime.InteropServices.PosixSignal signal,
        Action<Signal, Events> callback,
        object? data = null,
        int priority = 0)
        : this(loop, Event.Signum.From(signal), callback, data, priority)
    {
    }
#endif

    /// <summary>The signal's number on this platform.</summary>
    public int Signum { get; private set; }

    /// <summary>Watches another signal.</summary>
    /// <param name="signum">The signal's number on this platform.</param>
    /// <exception cref="InvalidOperationException">The watcher is active or pending.</exception>
    /// <exception cref="ArgumentOutOfRangeException">There is no such signal, or it cannot be watched.</exception>
    /// <exception cref="ObjectDisposedException">The watcher or its loop is disposed.</exception>
    public void Set(int signum)
    {
        using Loop.Claim claim = UseSettable(nameof(Signum));
        Signum = Validate.WatchableSignum(signum, nameof(signum));
        Native.mood_signal_set(Memory, signum);
        GC.KeepAlive(this);
    }

#if NET8_0_OR_GREATER
    /// <inheritdoc cref="Set(int)"/>
    /// <param name="signal">The signal.</param>
    public void Set(System.Runtime.InteropServices.PosixSignal signal) => Set(Event.Signum.From(signal));
#endif

    private protected override void StartCore()
    {
        if (Native.mood_watcher_start(Memory) < 0)
        {
            throw Error.Event_SignalOwned(Signum);
        }

        try
        {
            SignalRegistrations.Acquire(Loop.Handle, Signum);
            _held = Signum;
        }
        catch (Exception e) when (SignalRegistrations.IsRefusal(e))
        {
            Native.mood_watcher_stop(Memory);
            throw Error.Event_NoRegistration(Signum, e);
        }
    }

    private protected override void OnStopped()
    {
        SignalRegistrations.Release(Loop.Handle, _held);
        _held = 0;
    }
}
