using System;

namespace Mood.Event;

/// <summary>
/// Calls its callback when the process gets a signal (ev_signal). While a watcher of the signal is active, the signal's
/// default action does not happen.
/// </summary>
/// <remarks>
/// <para>Other handlers in the process (PosixSignalRegistration, Console.CancelKeyPress, the generic host) keep working. A signal
/// reaches its loop even while the thread pool has no free thread.</para>
/// <para>If a signal arrives again before the loop has handled the first arrival, the arrivals count as one event. Only one loop
/// at a time may watch a signal.</para>
/// <para>A signal that was ignored when the process started stays ignored and does not arrive, except SIGTERM. .NET itself
/// ignores SIGPIPE.</para>
/// <para>After the last watcher of a signal has stopped, the default action of the signal applies again. For most signals, this
/// action ends the process.</para>
/// </remarks>
public sealed partial class Signal : Watcher<Signal>
{
    // the signal whose registration this watcher holds while it is active; written on the loop's thread
    private int _held;

    /// <summary>Creates a signal watcher. It is not started.</summary>
    /// <param name="loop">The loop that the watcher belongs to.</param>
    /// <param name="signum">The signal's number on this platform: see <see cref="Event.Signum"/>.</param>
    /// <param name="callback">Called on the loop's thread when the signal came.</param>
    /// <param name="data">For <see cref="Watcher.Data"/>.</param>
    /// <param name="priority">For <see cref="Watcher.Priority"/>.</param>
    /// <exception cref="ArgumentOutOfRangeException">There is no signal of this number, or it cannot be watched: KILL, STOP,
    /// SEGV, BUS, FPE, ILL, TRAP, ABRT, and 32 to SIGRTMIN, which the C library and the runtime use.</exception>
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

    /// <summary>The signal's number on this platform.</summary>
    public int Signum { get; private set; }

    /// <summary>Makes the watcher watch another signal (ev_signal_set).</summary>
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

    private protected override void StartCore()
    {
        int error = Native.mood_watcher_start(Memory);

        if (error < 0)
        {
            throw Error.Event_SignalNotStarted(Event.Signum.Describe(Signum), -error);
        }

        try
        {
            SignalRegistrations.Acquire(Loop.Handle, Signum);
            _held = Signum;
        }
        catch (Exception e)
        {
            Native.mood_watcher_stop(Memory);

            if (SignalRegistrations.IsRefusal(e))
            {
                throw Error.Event_NoRegistration(Event.Signum.Describe(Signum), e);
            }

            throw;
        }
    }

    private protected override void OnStopped()
    {
        SignalRegistrations.Release(Loop.Handle, _held);
        _held = 0;
    }
}
