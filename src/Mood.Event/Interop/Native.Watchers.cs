using System.Runtime.InteropServices;
using System.Text;

namespace Mood.Event;

internal static unsafe partial class Native
{
    [DllImport(Library, ExactSpelling = true)]
    internal static extern nint mood_watcher_new(nint loop, int kind, int id);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_free(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_watcher_start(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_stop(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_feed(nint w, int revents);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_watcher_clear(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_watcher_error(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_priority(nint w, int priority);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_keepalive(nint w, int on);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_settle(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_watcher_call(nint loop, nint w, int revents);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_io_set(nint w, int fd, int events);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_set(nint w, double after, double repeat);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_set_repeat(nint w, double repeat);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_again(nint w);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_timer_push(nint w);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_timer_remaining(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_set(nint w, double offset, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_set_interval(nint w, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_periodic_again(nint w);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_periodic_at(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_signal_set(nint w, int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_check(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_number(int index);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_feed_signal(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_signal_register(int signum, int begins);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_signal_watch(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_signal_unwatch(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_unguard(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_guard(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_owed(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_arrived(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_arrivals(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_signal_raise(int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_set(nint w, int pid, int trace, int keep);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_status(nint w, int* rpid, int* rstatus);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_child_code(nint w, int* code);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_child_process(nint w, long process);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_child_kill(nint w, int signum);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_child_over(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_pidfd_open(int pid);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_pidfd_close(int fd);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_pidfd_end(int fd, int pid, int* status);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_pidfd_reap(int fd, int pid);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_child_passed(int done);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_stat_set(nint w, byte* path, double interval);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern double mood_stat_interval(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_stat_refresh(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_stat_status(nint w, int previous, FileStatusMemory* status);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_embed_set(nint w, nint other);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_embed_renew(nint w);

    [DllImport(Library, ExactSpelling = true)]
    internal static extern void mood_async_send(nint w);

    [SuppressGCTransition]
    [DllImport(Library, ExactSpelling = true)]
    internal static extern int mood_async_sent(nint w);

    internal static int EndOfPidfd(int fd, int pid, out int status)
    {
        int result, s;
        result = mood_pidfd_end(fd, pid, &s);
        status = s;
        return result;
    }

    internal static bool IsActive(nint w) => ((WatcherMemory*)w)->Active != 0;

    internal static bool IsPending(nint w) => ((WatcherMemory*)w)->Pending != 0;

    internal static int Priority(nint w) => ((WatcherMemory*)w)->Priority;

    internal static int Id(nint w) => ((WatcherMemory*)w)->Id;

    internal static void SetId(nint w, int id) => ((WatcherMemory*)w)->Id = id;

    internal static (int RPid, int RStatus) ChildStatus(nint w)
    {
        int rpid, rstatus;
        mood_child_status(w, &rpid, &rstatus);
        return (rpid, rstatus);
    }

    internal static int SetStat(nint w, string path, double interval)
    {
        fixed (byte* bytes = Encoding.UTF8.GetBytes(path + '\0'))
        {
            return mood_stat_set(w, bytes, interval);
        }
    }

    internal static FileStatusMemory StatStatus(nint w, bool previous)
    {
        FileStatusMemory status;
        mood_stat_status(w, previous ? 1 : 0, &status);
        return status;
    }

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
