using System;

namespace Mood.Event;

/// <summary>
/// The events that a callback receives, and those that an <see cref="Event.Io"/> watches for. The values are libev's EV_* constants.
/// </summary>
/// <remarks>A callback may receive several events at once: test with <c>(events &amp; Events.Read) != 0</c>.</remarks>
[Flags]
public enum Events
{
    // The order must be ascending by unsigned value, with Read after Io. If two names have one value, Enum.ToString uses the last
    // one, on .NET and on Mono. The runtime sorts the names by value. Its sort is unstable, but keeps an order that is sorted.

    /// <summary>No event. An <see cref="Event.Io"/> that watches for None is active and is never called.</summary>
    None = 0,

    /// <summary>Another name of <see cref="Read"/> (EV_IO).</summary>
    Io = 1,

    /// <summary>The file descriptor can be read without blocking (EV_READ).</summary>
    Read = 1,

    /// <summary>The file descriptor can be written without blocking (EV_WRITE).</summary>
    Write = 2,

    /// <summary>The time of a <see cref="Mood.Event.Timer"/> is over (EV_TIMER).</summary>
    Timer = 0x100,

    /// <summary>A <see cref="Mood.Event.Periodic"/> or <see cref="Scheduler"/> is due (EV_PERIODIC).</summary>
    Periodic = 0x200,

    /// <summary>The process received a signal (EV_SIGNAL).</summary>
    Signal = 0x400,

    /// <summary>A child process ended, stopped or continued (EV_CHILD).</summary>
    Child = 0x800,

    /// <summary>The status of a path changed (EV_STAT).</summary>
    Stat = 0x1000,

    /// <summary>The loop has nothing else to do (EV_IDLE).</summary>
    Idle = 0x2000,

    /// <summary>The loop is about to wait (EV_PREPARE).</summary>
    Prepare = 0x4000,

    /// <summary>The loop has waited (EV_CHECK).</summary>
    Check = 0x8000,

    /// <summary>An embedded loop has events (EV_EMBED).</summary>
    Embed = 0x10000,

    /// <summary>The loop was reset after a fork or by <see cref="Loop.Reset"/> (EV_FORK).</summary>
    Fork = 0x20000,

    /// <summary>Not used: this library has no counterpart of libev's cleanup watchers (EV_CLEANUP).</summary>
    Cleanup = 0x40000,

    /// <summary><see cref="Mood.Event.Async.Send"/> was called (EV_ASYNC).</summary>
    Async = 0x80000,

    /// <summary>Free for programs, with <see cref="Watcher.Feed"/> and <see cref="Watcher.Invoke"/> (EV_CUSTOM).</summary>
    Custom = 0x01000000,

    /// <summary>
    /// libev stopped the watcher because of an error (EV_ERROR). No callback receives it: the loop stops, and
    /// <see cref="Loop.Start"/> throws an <see cref="EventException"/>.
    /// </summary>
    Error = unchecked((int)0x80000000),

    /// <summary>Never a valid event (EV_UNDEF).</summary>
    Undefined = -1,
}
