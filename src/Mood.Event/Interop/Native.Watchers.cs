using System.Runtime.InteropServices;
#if NET8_0_OR_GREATER
using System.Runtime.CompilerServices;
#endif

namespace Mood.Event.Interop;

internal static unsafe partial class Native
{
    [DllImport(Library, ExactSpelling = true)]
    internal static extern WatcherMemory* mood_watcher_new(nint loop, int kind, nint data);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_free(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_watcher_start(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_stop(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_feed(WatcherMemory* w, int revents);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_watcher_clear(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_priority(WatcherMemory* w, int priority);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_keepalive(WatcherMemory* w, int on);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_io_set(WatcherMemory* w, int fd, int events);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_set(WatcherMemory* w, double after, double repeat);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_set_repeat(WatcherMemory* w, double repeat);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_again(WatcherMemory* w);

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_timer_remaining(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_set(WatcherMemory* w, double offset, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_set_interval(WatcherMemory* w, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_again(WatcherMemory* w);

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_periodic_at(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_signal_set(WatcherMemory* w, int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_check(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_number(int index);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_feed_signal(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_set(WatcherMemory* w, int pid, int trace, int keep);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_status(WatcherMemory* w, int* rpid, int* rstatus);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_child_barrier();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_passed();

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stat_set(WatcherMemory* w, byte* path, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_stat_interval(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_stat_refresh(WatcherMemory* w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_stat_status(WatcherMemory* w, int previous, FileStatusMemory* status);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_embed_set(WatcherMemory* w, nint other);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_async_send(WatcherMemory* w);

#if NET8_0_OR_GREATER
    [SuppressGCTransition]
#endif
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_async_sent(WatcherMemory* w);

    /// <summary>enum mood_kind.</summary>
    internal enum Kind
    {
        Io, Timer, Periodic, Scheduler, Signal, Child, Stat, Idle, Prepare, Check, Embed, Fork, Async,
    }

    /// <summary>mood_file_status.</summary>
    internal struct FileStatusMemory
    {
        internal long Size, Device, Inode, DeviceType;
        internal long AccessedSeconds, ModifiedSeconds, ChangedSeconds;
        internal int AccessedNanos, ModifiedNanos, ChangedNanos;
        internal uint Mode, LinkCount, User, Group;
    }
}
