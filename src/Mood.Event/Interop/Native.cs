using System.Runtime.InteropServices;
#if NET8_0_OR_GREATER
using System.Runtime.CompilerServices;

[assembly: DisableRuntimeMarshalling]
#endif
[assembly: DefaultDllImportSearchPaths(DllImportSearchPath.AssemblyDirectory | DllImportSearchPath.SafeDirectories)]

namespace Mood.Event.Interop;

/// <summary>native/mood_event.h, one to one. Every signature is blittable: no stub is generated for any of them.</summary>
internal static unsafe partial class Native
{
    internal const string Library = "mood_event";
    internal const int AbiVersion = 4;

    // errno, where a caller tells cases apart: the same on every platform we build for
    internal const int EPERM = 1, EBADF = 9, ENOMEM = 12, EBUSY = 16, ERANGE = 34;

    // mood_loop_run
    internal const int RunActive = 1, RunFailed = 2;

    // mood_loop_new: none of the backends asked for works
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

    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_time();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_sleep(double seconds);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_fd_check(int fd);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_live(int what);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_fail_allocation(int after);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_fail_wait(int error);

    /// <summary>mood_callbacks.</summary>
    internal struct Callbacks
    {
        internal nint Event, Pending, Wake, Reschedule, Clock;
    }

    /// <summary>mood_watcher_head: read in place, never mirrored.</summary>
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
        internal int Halted, Always;
    }
}
