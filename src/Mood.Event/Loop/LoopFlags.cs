using System;

namespace Mood.Event;

/// <summary>Options for creating a <see cref="Loop"/>. The values are libev's EVFLAG_* constants.</summary>
[Flags]
public enum LoopFlags : uint
{
    /// <summary>libev's defaults (EVFLAG_AUTO).</summary>
    Auto = 0,

    /// <summary><see cref="Stat"/> watchers do not use inotify: they read the status at their interval (EVFLAG_NOINOTIFY).</summary>
    NoInotify = 0x00100000,

    /// <summary>Accepted, without effect (EVFLAG_SIGNALFD).</summary>
    /// <remarks>A signalfd works only if every thread of the process blocks the signal. .NET creates threads that do not block
    /// it. In such a thread, the signal's default action would end the process.</remarks>
    SignalFd = 0x00200000,

    /// <summary>Accepted, without effect: the library never changes a signal mask (EVFLAG_NOSIGMASK).</summary>
    NoSigMask = 0x00400000,

    /// <summary>
    /// The loop uses no timerfd to notice that the wall clock was set (EVFLAG_NOTIMERFD). It notices this when it wakes up, at
    /// least once a minute.
    /// </summary>
    NoTimerFd = 0x00800000,

    /// <summary>
    /// The environment variable LIBEV_FLAGS is ignored (EVFLAG_NOENV). Without this option its value replaces flags and
    /// backends.
    /// </summary>
    NoEnv = 0x01000000,

    /// <summary>
    /// Every iteration checks the process id. After a fork the loop behaves as after <see cref="Loop.Reset"/>
    /// (EVFLAG_FORKCHECK).
    /// </summary>
    ForkCheck = 0x02000000,
}
