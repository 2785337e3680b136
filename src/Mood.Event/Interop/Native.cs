using System.Runtime.InteropServices;

[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace Mood.Event;

/// <summary>The functions and structures of native/mood_event.h, one to one. Every signature is blittable, so that no stub is
/// generated.</summary>
internal static unsafe partial class Native
{
    internal const string Library = "mood_event";
    internal const int AbiVersion = 9;

    // The errno values that callers compare with. ELOOP is Linux's, for epoll. The others are the same on Linux and macOS.
    internal const int EPERM = 1, EINTR = 4, EBADF = 9, ECHILD = 10, ENOMEM = 12, EACCES = 13, EBUSY = 16, ENOSPC = 28, ERANGE = 34, ELOOP = 40;

    // MOOD_FDS: every file descriptor that is watched must be less
    internal const int Fds = 1 << 24;

    // the result of mood_loop_run, as bits
    internal const int RunActive = 1, RunFailed = 2;

    // The result of mood_loop_new when none of the requested backends works.
    internal const int NoBackend = 10000;

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_abi_version();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern byte* mood_version();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_initialize(int signals);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_libev_version();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_supported_backends();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_recommended_backends();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern uint mood_embeddable_backends();

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern long mood_ticks();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_time();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_sleep(double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_fd_check(int fd);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_error_text(int error, byte* text, int size);

    /// <summary>mood_callbacks.</summary>
    internal struct Callbacks
    {
        internal nint Event, Pending, Wake, Reschedule, Clock, Reap;
    }

    /// <summary>mood_watcher_head: read in place, never copied.</summary>
    internal struct WatcherMemory
    {
        internal int Active, Pending;
        internal sbyte Priority, Kind, Background, Plain;
        internal int Id;
    }

    /// <summary>mood_pending.</summary>
    internal struct PendingMemory
    {
        internal WatcherMemory* Watcher;
        internal int Revents;
    }

    /// <summary>mood_queue.</summary>
    internal struct QueueMemory
    {
        internal PendingMemory** Slots;
        internal int* Counts, Priority;
        internal int Halted, Always, Left;
    }
}
