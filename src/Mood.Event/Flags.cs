using System;

namespace Mood.Event;

/// <summary>How a loop is made (libev's EVFLAG_*, same values).</summary>
[Flags]
public enum LoopFlags : uint
{
    /// <summary>libev's defaults.</summary>
    Auto = 0,

    /// <summary>Stat watchers poll instead of using inotify.</summary>
    NoInotify = 0x00100000,

    /// <summary>Accepted and without effect: a signalfd would need the signal blocked in every thread of the process,
    /// and one thread that does not block it dies of it.</summary>
    SignalFd = 0x00200000,

    /// <summary>Accepted: the library never changes a signal mask.</summary>
    NoSigMask = 0x00400000,

    /// <summary>Periodics notice a step of the wall clock by looking at it at least once a minute, not by a timerfd.</summary>
    NoTimerFd = 0x00800000,

    /// <summary>The environment variable LIBEV_FLAGS is ignored. Without this flag it replaces flags and backends.</summary>
    NoEnv = 0x01000000,

    /// <summary>Every iteration compares the process id and acts as after <see cref="Loop.Reset"/> when it changed.</summary>
    ForkCheck = 0x02000000,
}

/// <summary>What a loop waits with (libev's EVBACKEND_*, same values).</summary>
[Flags]
public enum Backends : uint
{
    /// <summary>The best of <see cref="Ev.RecommendedBackends"/>.</summary>
    Auto = 0,

    /// <summary>select(2).</summary>
    Select = 1,

    /// <summary>poll(2).</summary>
    Poll = 2,

    /// <summary>epoll(7), Linux.</summary>
    Epoll = 4,

    /// <summary>kqueue(2), macOS and the BSDs.</summary>
    Kqueue = 8,

    /// <summary>/dev/poll, Solaris.</summary>
    DevPoll = 16,

    /// <summary>Event ports, Solaris.</summary>
    Port = 32,

    /// <summary>Linux AIO (IOCB_CMD_POLL), Linux 4.19; experimental in libev.</summary>
    LinuxAio = 64,

    /// <summary>io_uring, Linux 5.6.1; experimental in libev.</summary>
    IoUring = 128,

    /// <summary>Every backend libev knows.</summary>
    All = 255,

    /// <summary>The bits that libev reserves for backends.</summary>
    Mask = 65535,
}

/// <summary>How long <see cref="Loop.Start"/> runs (libev's EVRUN_*, same values).</summary>
public enum RunFlags
{
    /// <summary>Until no active watcher keeps the loop alive, or it is stopped.</summary>
    Default = 0,

    /// <summary>One iteration that does not wait.</summary>
    NoWait = 1,

    /// <summary>One iteration that waits for at least one event.</summary>
    Once = 2,
}

/// <summary>What <see cref="Loop.Stop"/> ends (libev's EVBREAK_*, same values).</summary>
public enum BreakHow
{
    /// <summary>Nothing: takes back an earlier Stop that has not taken effect yet.</summary>
    Cancel = 0,

    /// <summary>The innermost Start.</summary>
    One = 1,

    /// <summary>All nested Starts.</summary>
    All = 2,
}

/// <summary>What happened, or what to watch for (libev's EV_*, same values).</summary>
[Flags]
public enum Events
{
    /// <summary>Never a valid event.</summary>
    Undefined = -1,

    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>A read will not block.</summary>
    Read = 1,

    /// <summary>The same as <see cref="Read"/>.</summary>
    Io = 1,

    /// <summary>A write will not block.</summary>
    Write = 2,

    /// <summary>A timer expired.</summary>
    Timer = 0x100,

    /// <summary>A periodic or scheduler is due.</summary>
    Periodic = 0x200,

    /// <summary>A signal came.</summary>
    Signal = 0x400,

    /// <summary>A child ended, stopped or continued.</summary>
    Child = 0x800,

    /// <summary>A path's status changed.</summary>
    Stat = 0x1000,

    /// <summary>Nothing else is to be done.</summary>
    Idle = 0x2000,

    /// <summary>The loop is about to wait.</summary>
    Prepare = 0x4000,

    /// <summary>The loop has waited.</summary>
    Check = 0x8000,

    /// <summary>An embedded loop has events.</summary>
    Embed = 0x10000,

    /// <summary>The loop was reset, after a fork or <see cref="Loop.Reset"/>.</summary>
    Fork = 0x20000,

    /// <summary>Not used here: libev's cleanup watchers have no counterpart.</summary>
    Cleanup = 0x40000,

    /// <summary>Async.Send was called.</summary>
    Async = 0x80000,

    /// <summary>For programs' own use, with <see cref="Watcher.Feed"/> and <see cref="Watcher.Invoke"/>.</summary>
    Custom = 0x01000000,

    /// <summary>libev stopped the watcher. Never passed to a callback: the loop stops with an
    /// <see cref="EventException"/>.</summary>
    Error = unchecked((int)0x80000000),
}
