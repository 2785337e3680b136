using System;

namespace Mood.Event;

/// <summary>The system interfaces that a loop can wait with. The values are libev's EVBACKEND_* constants.</summary>
[Flags]
public enum Backends : uint
{
    /// <summary>The best of <see cref="Ev.RecommendedBackends"/>.</summary>
    Auto = 0,

    /// <summary>select(2). Not on Windows.</summary>
    Select = 1,

    /// <summary>poll(2). Not on Windows.</summary>
    Poll = 2,

    /// <summary>epoll(7) on Linux. On Windows, the library wepoll, which provides the same interface.</summary>
    Epoll = 4,

    /// <summary>kqueue(2), on macOS and the BSDs.</summary>
    Kqueue = 8,

    /// <summary>/dev/poll, on Solaris.</summary>
    DevPoll = 16,

    /// <summary>Event ports, on Solaris.</summary>
    Port = 32,

    /// <summary>Linux AIO (IOCB_CMD_POLL), since Linux 4.19. libev calls it experimental.</summary>
    LinuxAio = 64,

    /// <summary>io_uring, since Linux 5.6.1. libev calls it experimental.</summary>
    IoUring = 128,

    /// <summary>Every backend that libev knows.</summary>
    All = 255,

    /// <summary>All bits that libev reserves for backends.</summary>
    Mask = 65535,
}
